import { compressionCode, compressionOfCode } from '../domain/compression.ts';
import { Refusal } from '../domain/refusal.ts';
import { FRAME_HEADROOM, frameMemory } from './frame-memory.ts';
import { FRAME_BYTES, type Frame } from './frames.ts';
import { varintBytes, WireReader } from './wire.ts';

/**
 * Hand-written protobuf for the two messages that carry every byte of every image
 * (proto/entrepot/v1/transfer.proto). Byte-compatible with what proto-loader reads and
 * writes, without its objects and its copies.
 *
 * Serializing a frame made by `frameOf` copies nothing: its payload lies in a buffer of
 * its own that begins with FRAME_HEADROOM free bytes, and the header is written there.
 * For any other frame the payload is copied (1 MiB: 0.11 ms). Which of the two is told
 * by the buffer itself, so that no byte which belongs to somebody else is ever overwritten.
 */
export interface Codec<Message> {
  serialize(message: Message): Buffer;
  /** INVALID when the bytes are not such a message. Payloads are views of `bytes`, not copies. */
  deserialize(bytes: Buffer): Message;
}

interface PushHelloWire {
  readonly taskId: string;
  readonly attempt: number;
  readonly imageId: string;
}

export type PushMessageWire = { readonly hello: PushHelloWire } | { readonly frame: Frame };

/** What gRPC puts before a message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;

/** A frame with a smaller payload takes memory of its own: a block would be mostly empty. */
const SMALLEST_BLOCK_PAYLOAD = FRAME_BYTES / 4;

/**
 * A frame that owns its bytes: `payload` is copied once into memory nobody else refers to.
 * So `payload` may be overwritten at once, however long grpc-js and the socket hold the frame.
 * Who sends it gives its memory back when the socket has taken it (`releaseFrame`).
 */
export function frameOf(offset: number, payload: Uint8Array, last: boolean): Frame {
  if (payload.length < SMALLEST_BLOCK_PAYLOAD || payload.length > FRAME_BYTES) {
    return { offset, data: Buffer.from(payload), last };
  }
  const block = frameMemory.take();
  block.set(payload, FRAME_HEADROOM);
  return { offset, data: block.subarray(FRAME_HEADROOM, FRAME_HEADROOM + payload.length), last };
}

/**
 * The bytes of a frame, if the message is one or holds one, are not needed any more: to be called once by who
 * has copied them, or sent them. Without it they are freed some time later.
 */
export function releaseFrame(message: unknown): void {
  const { data, frame } = message as {
    readonly data?: unknown;
    readonly frame?: { readonly data?: unknown };
  };
  for (const bytes of [data, frame?.data]) if (bytes instanceof Uint8Array) frameMemory.giveBack(bytes);
}

/** A serialized message as gRPC frames it. Copied unless there is room before it, as before a frame in its block. */
export function prefixed(message: Buffer): Buffer {
  const inPlace = frameMemory.owns(message) && message.byteOffset >= PREFIX_BYTES;
  const length = PREFIX_BYTES + message.length;
  const framed = inPlace
    ? Buffer.from(message.buffer, message.byteOffset - PREFIX_BYTES, length)
    : Buffer.allocUnsafe(length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  if (!inPlace) message.copy(framed, PREFIX_BYTES);
  return framed;
}

export const frameCodec: Codec<Frame> = {
  serialize: (frame) => withHeader(frame, headerOf(frame)),
  deserialize: (bytes) => readFrame(new WireReader(bytes, 'frame')),
};

export const pushMessageCodec: Codec<PushMessageWire> = {
  serialize(message) {
    if ('hello' in message) return helloMessage(message.hello);
    const header = headerOf(message.frame);
    const length = header.length + message.frame.data.length;
    return withHeader(message.frame, [PUSH_FRAME, ...varint(length), ...header]);
  },

  deserialize(bytes) {
    const reader = new WireReader(bytes, 'push message');
    let message: PushMessageWire | undefined;
    // Of several members of a oneof the last one counts.
    while (reader.hasMore()) {
      const tag = reader.tag();
      if (tag === PUSH_HELLO) message = { hello: readHello(new WireReader(reader.bytes(), 'push hello')) };
      else if (tag === PUSH_FRAME) message = { frame: readFrame(new WireReader(reader.bytes(), 'frame')) };
      else reader.skip(tag, PUSH_MESSAGE_FIELDS);
    }
    if (message !== undefined) return message;
    throw new Refusal('INVALID', 'push message is neither a hello nor a frame');
  },
};

// A tag is the field's number and its wire type: 0 varint, 2 length and bytes.
const FRAME_OFFSET = (1 << 3) | 0;
const FRAME_DATA = (2 << 3) | 2;
const FRAME_LAST = (3 << 3) | 0;
const FRAME_UNPACKED_BYTES = (4 << 3) | 0;
const FRAME_COMPRESSION = (5 << 3) | 0;
const FRAME_FIELDS = 5;

const PUSH_HELLO = (1 << 3) | 2;
const PUSH_FRAME = (2 << 3) | 2;
const PUSH_MESSAGE_FIELDS = 2;

const HELLO_TASK_ID = (1 << 3) | 2;
const HELLO_ATTEMPT = (2 << 3) | 0;
const HELLO_IMAGE_ID = (3 << 3) | 2;
const HELLO_FIELDS = 3;

const UINT32_MAX = 0xffff_ffff;
const NOTHING = Buffer.alloc(0);

/** Everything of the message but the payload, which comes last. Defaults are left out, as proto3 does. */
function headerOf({ offset, data, last, unpackedBytes, compression }: Frame): number[] {
  const header: number[] = [];
  if (offset !== 0) header.push(FRAME_OFFSET, ...varint(offset));
  if (last) header.push(FRAME_LAST, 1);
  if (unpackedBytes !== undefined) header.push(FRAME_UNPACKED_BYTES, ...varint(unpackedBytes, UINT32_MAX));
  if (compression !== undefined) header.push(FRAME_COMPRESSION, compressionCode(compression));
  if (data.length > 0) header.push(FRAME_DATA, ...varint(data.length));
  return header;
}

function withHeader({ data }: Frame, header: readonly number[]): Buffer {
  const length = header.length + data.length;
  if (hasRoom(data, header.length)) {
    const message = Buffer.from(data.buffer, data.byteOffset - header.length, length);
    message.set(header);
    return message;
  }
  const message = Buffer.allocUnsafe(length);
  message.set(header);
  message.set(data, header.length);
  return message;
}

/**
 * Whether a header may be written before the payload, and gRPC's prefix before that. True for what `frameOf`
 * made, and for a frame that was received and goes on: the block is its own. Not for a later part of a payload.
 */
function hasRoom(data: Uint8Array, headerBytes: number): boolean {
  return (
    data.byteOffset >= PREFIX_BYTES + headerBytes &&
    data.byteOffset <= FRAME_HEADROOM &&
    frameMemory.owns(data)
  );
}

function readFrame(reader: WireReader): Frame {
  let offset = 0;
  let data: Uint8Array = NOTHING;
  let last = false;
  let unpackedBytes = 0;
  let code = 0;
  while (reader.hasMore()) {
    const tag = reader.tag();
    if (tag === FRAME_OFFSET) offset = reader.uint(Number.MAX_SAFE_INTEGER);
    else if (tag === FRAME_DATA) data = reader.bytes();
    else if (tag === FRAME_LAST) last = reader.bool();
    else if (tag === FRAME_UNPACKED_BYTES) unpackedBytes = reader.uint(UINT32_MAX);
    else if (tag === FRAME_COMPRESSION) code = reader.uint(UINT32_MAX);
    else reader.skip(tag, FRAME_FIELDS);
  }
  const compression = compressionOfCode(code);
  return {
    offset,
    data,
    last,
    ...(unpackedBytes !== 0 && { unpackedBytes }),
    ...(compression !== undefined && { compression }),
  };
}

function helloMessage({ taskId, attempt, imageId }: PushHelloWire): Buffer {
  const body = Buffer.concat([
    textField(HELLO_TASK_ID, taskId),
    Buffer.from(attempt === 0 ? [] : [HELLO_ATTEMPT, ...varint(attempt, UINT32_MAX)]),
    textField(HELLO_IMAGE_ID, imageId),
  ]);
  return Buffer.concat([Buffer.from([PUSH_HELLO, ...varint(body.length)]), body]);
}

function textField(tag: number, text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return bytes.length === 0 ? bytes : Buffer.concat([Buffer.from([tag, ...varint(bytes.length)]), bytes]);
}

function readHello(reader: WireReader): PushHelloWire {
  let taskId = '';
  let attempt = 0;
  let imageId = '';
  while (reader.hasMore()) {
    const tag = reader.tag();
    if (tag === HELLO_TASK_ID) taskId = reader.text();
    else if (tag === HELLO_ATTEMPT) attempt = reader.uint(UINT32_MAX);
    else if (tag === HELLO_IMAGE_ID) imageId = reader.text();
    else reader.skip(tag, HELLO_FIELDS);
  }
  return { taskId, attempt, imageId };
}

function varint(value: number, max = Number.MAX_SAFE_INTEGER): number[] {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) {
    throw new Refusal(
      'INTERNAL',
      `${value} cannot be put on the wire: a whole number from 0 to ${max} is needed`,
    );
  }
  return varintBytes(value);
}
