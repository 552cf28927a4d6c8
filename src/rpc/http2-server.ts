import type { Http2SecureServer, SecureServerOptions } from 'node:http2';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import type { Credentials } from '../trust/credentials.ts';
import { serverContext } from '../trust/tls.ts';
import type { Connections } from './connections.ts';
import type { ServerLimits } from './limits.ts';

/**
 * What a caller may have under way to us before we take it, at most. A call begins with FIRST_WINDOW_BYTES,
 * and gets what its distance asks for when it turns out to send a stream (connection.ts).
 */
export const SERVER_WINDOW_BYTES = 16 * 1024 * 1024;

/** A message, which is what most calls send. */
export const FIRST_WINDOW_BYTES = 1024 * 1024;

/**
 * What nghttp2 and Node may hold for one connection, in MB: headers and what waits to be sent. No new
 * call is taken beyond. As many answers of 1 MiB as one identity may have under way.
 */
const SESSION_MEMORY_MB = 64;

/** The two members of grpc-js's Server that are touched, as of 1.14.7. Its package.json entry is pinned for this. */
interface ServerInside {
  commonServerOptions: SecureServerOptions;
  createHttp2Server(credentials: ServerCredentials): Http2SecureServer;
}

/** TLS as grpc-js's server wants it, in the one form there is here. */
export class TlsServerCredentials extends ServerCredentials {
  /** @param clients `known`: who shows no good certificate does not get through the handshake */
  constructor(credentials: Credentials, clients: 'known' | 'anyone', { handshakeMs }: ServerLimits) {
    super(
      {
        requestCert: true,
        // An answer explains more than a line that drops: where others may come too, each call is judged.
        rejectUnauthorized: clients === 'known',
        handshakeTimeout: handshakeMs,
      },
      serverContext(credentials),
    );
  }

  /** For connections from now on. INVALID when TLS does not take it, and then nothing has changed. */
  renew(credentials: Credentials): void {
    this.updateSecureContextOptions(serverContext(credentials));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

/**
 * Gives grpc-js's HTTP/2 server what it has no options for: the receive window, limits of HTTP/2, and
 * a guard at its connections. grpc-js reads `grpc-node.flow_control_window` on the client side only; with
 * the 64 KiB it leaves a server, a call that sends to it moves 0.5 MB/s at 80 ms. To be called before the
 * server is bound. Tests measure from outside what is set here.
 */
export function prepareHttp2(
  server: Server,
  {
    limits,
    windowBytes,
    connections,
  }: { limits: ServerLimits; windowBytes: number; connections: Connections },
): void {
  const inside = server as unknown as ServerInside;
  if (typeof inside.createHttp2Server !== 'function' || typeof inside.commonServerOptions !== 'object') {
    throw new Error('this version of @grpc/grpc-js is built differently: see src/rpc/http2-server.ts');
  }
  Object.assign(inside.commonServerOptions, {
    maxHeaderListPairs: limits.metadataPairs,
    maxSessionMemory: SESSION_MEMORY_MB,
    settings: {
      ...inside.commonServerOptions.settings,
      initialWindowSize: Math.min(FIRST_WINDOW_BYTES, windowBytes),
      maxHeaderListSize: limits.metadataBytes,
    },
  });
  const create = inside.createHttp2Server.bind(server);
  inside.createHttp2Server = (credentials) => {
    const http2Server = create(credentials);
    connections.guard(http2Server);
    return http2Server;
  };
}
