import { join } from 'node:path';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COMPRESSIONS, compressionCode } from '../../../src/domain/compression.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import {
  frameCodec,
  frameOf,
  type PushMessageWire,
  prefixed,
  pushMessageCodec,
} from '../../../src/transfer/frame-codec.ts';
import { FRAME_HEADROOM } from '../../../src/transfer/frame-memory.ts';
import { FRAME_BYTES, type Frame } from '../../../src/transfer/frames.ts';

const proto = loadSync('entrepot/v1/transfer.proto', {
  includeDirs: [join(import.meta.dirname, '../../../proto')],
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});
type PlainFrame = Omit<Frame, 'compression'> & { readonly compression?: number };
type PlainPushMessage = Exclude<PushMessageWire, { frame: Frame }> | { readonly frame: PlainFrame };
const transfer = proto['entrepot.v1.Transfer'] as unknown as {
  Pull: MethodDefinition<object, PlainFrame>;
  Push: MethodDefinition<PlainPushMessage, object>;
};
const plainFrame = { write: transfer.Pull.responseSerialize, read: transfer.Pull.responseDeserialize };
const plainPush = { write: transfer.Push.requestSerialize, read: transfer.Push.requestDeserialize };

const payloads = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(20_000).fill(7)));
const offsets = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(300),
  fc.constantFrom(0, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER),
);
const packings = fc.record(
  {
    unpackedBytes: fc.oneof(fc.integer({ min: 1, max: FRAME_BYTES }), fc.constant(2 ** 32 - 1)),
    compression: fc.constantFrom(...COMPRESSIONS),
  },
  { requiredKeys: [] },
);
const frames: fc.Arbitrary<Frame> = fc
  .tuple(offsets, payloads, fc.boolean(), fc.boolean(), packings)
  .map(([offset, data, last, owned, packing]) => {
    return { ...(owned ? frameOf(offset, data, last) : { offset, data, last }), ...packing };
  });
const messages: fc.Arbitrary<PushMessageWire> = fc.oneof(
  frames.map((frame) => ({ frame })),
  fc
    .record({ taskId: fc.string({ unit: 'grapheme' }), attempt: fc.nat(2 ** 32 - 1), imageId: fc.string() })
    .map((hello) => ({ hello })),
);

describe('a frame', () => {
  test('reads with proto-loader as it was written', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(comparable(plainFrame.read(frameCodec.serialize(frame)))).toEqual(comparable(frame));
      }),
    );
  });

  test('written by proto-loader reads the same', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(comparable(frameCodec.deserialize(plainFrame.write(forProto(frame))))).toEqual(
          comparable(frame),
        );
      }),
    );
  });

  test('reads back as itself', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(comparable(frameCodec.deserialize(frameCodec.serialize(frame)))).toEqual(comparable(frame));
      }),
    );
  });

  test('of frameOf is sent from where it lies, and may be serialized again', () => {
    const frame: Frame = {
      ...frameOf(Number.MAX_SAFE_INTEGER, Buffer.alloc(FRAME_BYTES, 3), true),
      unpackedBytes: FRAME_BYTES,
      compression: 'on',
    };
    const message = frameCodec.serialize(frame);
    expect(message.buffer).toBe(frame.data.buffer);
    const pushedInPlace = prefixed(pushMessageCodec.serialize({ frame }));
    expect(pushedInPlace.buffer).toBe(frame.data.buffer);
    const pushed = Buffer.from(pushedInPlace.subarray(5));
    expect(comparable(plainFrame.read(frameCodec.serialize(frame)))).toEqual(comparable(frame));
    expect(plainPush.read(pushed)).toMatchObject({ message: 'frame' });
  });

  test('with a decision of a later version is read without it', () => {
    const bytes = Buffer.concat([
      frameCodec.serialize({ offset: 1, data: Buffer.from('abc'), last: true }),
      Buffer.from([0x28, 77]),
    ]);
    expect(frameCodec.deserialize(bytes)).toEqual({ offset: 1, data: Buffer.from('abc'), last: true });
  });

  test('of frameOf does not change when its source does', () => {
    const source = Buffer.alloc(100, 3);
    const frame = frameOf(0, source, true);
    source.fill(9);
    expect(Buffer.from(frame.data)).toEqual(Buffer.alloc(100, 3));
  });

  test('cut from a slab leaves its neighbours alone', () => {
    const slab = Buffer.alloc(FRAME_HEADROOM + 200, 5);
    for (const data of [
      slab.subarray(FRAME_HEADROOM, FRAME_HEADROOM + 100),
      slab.subarray(FRAME_HEADROOM + 100),
    ]) {
      frameCodec.serialize({ offset: 4096, data, last: true });
    }
    expect(slab).toEqual(Buffer.alloc(FRAME_HEADROOM + 200, 5));
  });

  test('handed out is a view, not a copy', () => {
    const bytes = Buffer.from(frameCodec.serialize({ offset: 1, data: Buffer.alloc(1000, 1), last: false }));
    expect(frameCodec.deserialize(bytes).data.buffer).toBe(bytes.buffer);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 2 ** 53])(
    'at offset %d is not written',
    (offset) => {
      expect(() => frameCodec.serialize({ offset, data: Buffer.alloc(1), last: false })).toThrow(
        /put on the wire/,
      );
    },
  );
});

describe('a push message', () => {
  test('reads with proto-loader as it was written', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const read = plainPush.read(pushMessageCodec.serialize(message)) as {
          hello?: object;
          frame?: PlainFrame;
        };
        if ('hello' in message) expect(read.hello).toEqual(message.hello);
        else expect(comparable(read.frame)).toEqual(comparable(message.frame));
      }),
    );
  });

  test('written by proto-loader reads the same', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const read = pushMessageCodec.deserialize(plainPush.write(forProtoMessage(message)));
        if ('hello' in message) expect(read).toEqual(message);
        else expect('frame' in read && comparable(read.frame)).toEqual(comparable(message.frame));
      }),
    );
  });
});

describe('what is not a message', () => {
  const LATER_FIELDS = Buffer.concat([
    Buffer.from([0x30, ...repeated(0xff, 9), 0x01]), // field 6: the largest uint64
    Buffer.from([0x39, 1, 2, 3, 4, 5, 6, 7, 8]), // field 7: 64 bits
    Buffer.from([0x42, 2, 1, 2]), // field 8: bytes
    Buffer.from([0x4d, 1, 2, 3, 4]), // field 9: 32 bits
  ]);

  test('but has fields of a later version is read without them', () => {
    const frame = { offset: 70_000, data: Buffer.from('abc'), last: true };
    const bytes = Buffer.concat([LATER_FIELDS, frameCodec.serialize(frame), LATER_FIELDS]);
    expect(comparable(frameCodec.deserialize(bytes))).toEqual(comparable(frame));
    expect(comparable(plainFrame.read(bytes))).toEqual(comparable(frame));
  });

  test.each<[string, number[], RegExp]>([
    ['truncated number', [0x08, 0x80], /ends before/],
    ['truncated tag', [0x88], /ends before/],
    ['endless number', [0x18, ...repeated(0x80, 12)], /more than 10 bytes/],
    ['offset of 2^53', [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], /above 9007199254740991/],
    ['offset of 2^64 - 1', [0x08, ...repeated(0xff, 9), 1], /above/],
    ['length beyond the end', [0x12, 5, 1, 2], /ends before/],
    ['huge length', [0x12, 0xff, 0xff, 0xff, 0xff, 0x7f], /ends before/],
    ['offset as bytes', [0x0a, 1, 1], /field 1 with wire type 2/],
    ['data as a number', [0x10, 1], /field 2 with wire type 0/],
    ['last as 32 bits', [0x1d, 1, 2, 3, 4], /field 3 with wire type 5/],
    ['a group', [0x23, 0x24], /wire type 3/],
    ['wire type 7', [0x27], /wire type 7/],
    ['field number 0', [0x02, 0], /field number 0/],
    ['later field cut', [0x39, 1, 2], /ends before/],
    ['unpacked bytes of 2^32', [0x20, 0x80, 0x80, 0x80, 0x80, 0x10], /above 4294967295/],
    ['compression as bytes', [0x2a, 1, 1], /field 5 with wire type 2/],
  ])('%s is INVALID', (_, bytes, message) => {
    const read = () => frameCodec.deserialize(Buffer.from(bytes));
    expect(read).toThrow(message);
    expect(codeOf(read)).toBe('INVALID');
  });

  test.each<[string, number[]]>([
    ['no member', []],
    ['text that is not UTF-8', [0x0a, 3, 0x0a, 1, 0xff]],
    ['an attempt above 2^32', [0x0a, 6, 0x10, 0x80, 0x80, 0x80, 0x80, 0x10]],
    ['a frame cut inside', [0x12, 2, 0x08, 0x80]],
  ])('a push message with %s is INVALID', (_, bytes) => {
    expect(codeOf(() => pushMessageCodec.deserialize(Buffer.from(bytes)))).toBe('INVALID');
  });

  test('garbage is read or refused, nothing else', () => {
    const cut = fc.tuple(messages, fc.nat(), fc.nat(255)).map(([message, at, byte]) => {
      const bytes = Buffer.from(pushMessageCodec.serialize(message));
      if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return bytes;
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
          cut,
        ),
        (bytes) => {
          for (const codec of [frameCodec, pushMessageCodec]) {
            const code = codeOf(() => codec.deserialize(bytes));
            expect([undefined, 'INVALID']).toContain(code);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

function repeated(byte: number, count: number): number[] {
  return Array.from({ length: count }, () => byte);
}

/** Of a frame as the codec has it, or as proto-loader has it: with 0 for what is not said. */
function comparable(frame: Frame | PlainFrame | undefined): object {
  const { compression = 0 } = frame ?? {};
  return {
    offset: frame?.offset,
    data: Buffer.from(frame?.data ?? []).toString('hex'),
    last: frame?.last,
    unpackedBytes: frame?.unpackedBytes ?? 0,
    compression: typeof compression === 'number' ? compression : compressionCode(compression),
  };
}

/** The other way round. */
function forProto({ compression, ...frame }: Frame): PlainFrame {
  return { ...frame, ...(compression !== undefined && { compression: compressionCode(compression) }) };
}

function forProtoMessage(message: PushMessageWire): PlainPushMessage {
  return 'frame' in message ? { frame: forProto(message.frame) } : message;
}

/** The code of the Refusal; anything else that is thrown goes on. */
function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}
