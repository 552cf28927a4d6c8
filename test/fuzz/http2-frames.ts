/** HTTP/2 (RFC 9113) as bytes. Says what it is told, right or wrong: no client library would send these. */

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;

/** What HTTP/2 allows without being told otherwise. */
export const MAX_FRAME_BYTES = 16_384;

export interface FrameFields {
  readonly type: number;
  readonly flags?: number;
  readonly stream?: number;
  readonly payload?: Buffer;
  /** What the header says; the payload's own length when left out. */
  readonly length?: number;
}

export function frame({
  type,
  flags = 0,
  stream = 0,
  payload = Buffer.alloc(0),
  length,
}: FrameFields): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE((length ?? payload.length) & 0xffffff, 0, 3);
  header.writeUInt8(type & 0xff, 3);
  header.writeUInt8(flags & 0xff, 4);
  header.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([header, payload]);
}

/** How a client begins: the preface, and settings by number. */
export function opening(settings: readonly (readonly [id: number, value: number])[] = []): Buffer {
  return Buffer.concat([PREFACE, settingsFrame(settings)]);
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[] = []): Buffer {
  const payload = Buffer.alloc(settings.length * 6);
  for (const [index, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value >>> 0, index * 6 + 2);
  }
  return frame({ type: FRAME.settings, payload });
}

/** A header block without compression: each a literal that is not indexed (RFC 7541, 6.2.2). */
export function headerBlock(headers: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    headers.flatMap(([name, value]) => [Buffer.from([0]), headerString(name), headerString(value)]),
  );
}

/** A string of a header block, not Huffman-coded. */
export function headerString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([prefixedInteger(bytes.length, 7), bytes]);
}

/** An integer whose first `bits` bits share a byte with zeros (RFC 7541, 5.1). */
export function prefixedInteger(value: number, bits: number): Buffer {
  const limit = 2 ** bits - 1;
  if (value < limit) return Buffer.from([value]);
  const bytes = [limit];
  let rest = value - limit;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** The headers of a gRPC call, with more of the caller's choice. */
export function callHeaders(
  path: string,
  more: readonly (readonly [name: string, value: string])[] = [],
): Buffer {
  return headerBlock([
    [':method', 'POST'],
    [':scheme', 'https'],
    [':path', path],
    [':authority', 'entrepot'],
    ['te', 'trailers'],
    ['content-type', 'application/grpc'],
    ...more,
  ]);
}

/** Opens a stream with a gRPC call. */
export function beginCall(
  stream: number,
  path: string,
  more?: readonly (readonly [name: string, value: string])[],
): Buffer {
  return frame({ type: FRAME.headers, flags: END_HEADERS, stream, payload: callHeaders(path, more) });
}

/** Bytes on a stream, in as many frames as they need. */
export function data(stream: number, bytes: Buffer, isLast = false): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += MAX_FRAME_BYTES) {
    const payload = bytes.subarray(at, at + MAX_FRAME_BYTES);
    const flags = isLast && at + MAX_FRAME_BYTES >= bytes.length ? END_STREAM : 0;
    frames.push(frame({ type: FRAME.data, flags, stream, payload }));
  }
  return Buffer.concat(frames);
}

/** A message as gRPC puts it on a stream: a flag, a length, and the bytes, which may be others. */
export function grpcMessage(
  bytes: Buffer,
  { length = bytes.length, compressed = 0 }: { length?: number; compressed?: number } = {},
): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(compressed, 0);
  prefix.writeUInt32BE(length >>> 0, 1);
  return Buffer.concat([prefix, bytes]);
}
