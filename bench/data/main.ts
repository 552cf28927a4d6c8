// `npm run bench [-- OPTIONS]`: copies an image between three Ceph clusters of its own, by Entrepot and by
// the tools people use today, in turns, and compares what it takes. `--help` shows the options.
import { runCommand } from '../common/command.ts';
import { bench } from './bench.ts';
import { parseOptions, USAGE } from './options.ts';

await runCommand({ usage: USAGE, parse: parseOptions, run: bench });
