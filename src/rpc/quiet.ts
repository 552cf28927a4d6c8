import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';

// grpc-js prints lines of its own to stderr for what it also rejects with. Whoever looks for a
// fault in it sets its variable and gets them back.
if (process.env['GRPC_VERBOSITY'] === undefined) setLogVerbosity(logVerbosity.NONE);
