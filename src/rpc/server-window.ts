import type { Http2Server, ServerHttp2Session } from 'node:http2';
import type { Server, ServerCredentials } from '@grpc/grpc-js';

/**
 * What a call to us may have under way before we take it. As for channels (channel.ts):
 * 2.5 x wanted rate x round trip; 16 MiB gives about 100 MB/s at 80 ms.
 */
export const SERVER_WINDOW_BYTES = 16 * 1024 * 1024;

/** The two members of grpc-js's Server that are touched, as of 1.14.7. Its package.json entry is pinned for this. */
interface ServerInside {
  commonServerOptions: { settings?: { initialWindowSize?: number } };
  createHttp2Server(credentials: ServerCredentials): Http2Server;
}

/**
 * Opens the HTTP/2 receive window of a server. grpc-js has an option for it, but reads it
 * on the client side only; with the 64 KiB it leaves a server, a call that sends to it
 * moves 0.5 MB/s at 80 ms. To be called before the server is bound. A test measures the
 * window from outside.
 */
export function widenServerWindow(server: Server, windowBytes: number): void {
  const inside = server as unknown as ServerInside;
  if (typeof inside.createHttp2Server !== 'function' || typeof inside.commonServerOptions !== 'object') {
    throw new Error('this version of @grpc/grpc-js is built differently: see src/rpc/server-window.ts');
  }
  inside.commonServerOptions.settings = {
    ...inside.commonServerOptions.settings,
    initialWindowSize: windowBytes,
  };
  const create = inside.createHttp2Server.bind(server);
  inside.createHttp2Server = (credentials) => {
    const http2Server = create(credentials);
    // The setting above is per stream; this is the window all streams of a connection share.
    http2Server.on('session', (session: ServerHttp2Session) => session.setLocalWindowSize(windowBytes));
    return http2Server;
  };
}
