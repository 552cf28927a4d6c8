import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { aliceCredentials, authority } from './harness.ts';

/** An HTTP/2 connection as a program would make it that means no good; with alice's certificate, or none. */
export async function rawSession(
  port: number,
  as: 'alice' | 'nobody' = 'alice',
): Promise<ClientHttp2Session> {
  const session = connect(`https://127.0.0.1:${port}`, { ...tlsAs(as), maxSessionMemory: 1000 });
  session.on('error', () => {});
  await once(session, 'remoteSettings');
  return session;
}

/** A TLS connection on which nothing has been said yet. */
export async function rawTls(port: number, as: 'alice' | 'nobody' = 'alice'): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', ALPNProtocols: ['h2'], ...tlsAs(as) });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

/** A call whose messages are whatever is written. Errors of its stream are nobody's. */
export function rawCall(
  session: ClientHttp2Session,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): ClientHttp2Stream {
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: path,
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    [constants.HTTP2_HEADER_TE]: 'trailers',
    ...headers,
  });
  stream.on('error', () => {});
  return stream;
}

/** The first five bytes of a message. */
export function messageHead(lengthBytes: number): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(lengthBytes, 1);
  return head;
}

function tlsAs(as: 'alice' | 'nobody'): ConnectionOptions {
  const { chainPem, privateKeyPem } = aliceCredentials;
  return {
    ca: authority.caPem,
    checkServerIdentity: () => undefined,
    ...(as === 'alice' && { cert: chainPem, key: privateKeyPem }),
  };
}

/** What opens an HTTP/2 connection: the preface and settings that say nothing. */
export const OPENING = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, '')]);

/** A frame of HTTP/2 (RFC 9113, 4.1). */
export function frame(type: number, flags: number, streamId: number, payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, bytes]);
}

/** The HEADERS frame of a call, whole; nothing in it is longer than 126 bytes. */
export function headersFrame(streamId: number, path: string, contentType = 'application/grpc'): Buffer {
  const END_HEADERS = 4;
  const headers = {
    ':method': 'POST',
    ':scheme': 'https',
    ':authority': 'entrepot',
    ':path': path,
    'content-type': contentType,
  };
  // Each as a literal without indexing (RFC 7541, 6.2.2), no Huffman code.
  const fields = Object.entries(headers).flatMap(([name, value]) => [
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
  return frame(1, END_HEADERS, streamId, Buffer.concat(fields));
}

/** The RST_STREAM frame that takes a call back; `code` as RFC 9113, 7. */
export function resetFrame(streamId: number, code = 8): Buffer {
  return frame(3, 0, streamId, Buffer.from([0, 0, 0, code]));
}
