import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MessageDecoder } from '../../../src/rpc/message-decoder.ts';
import { BLOCK_BYTES, frameMemory } from '../../../src/transfer/frame-memory.ts';

/** As gRPC frames them. */
function framed(payload: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(payload.length, 1);
  return Buffer.concat([prefix, payload]);
}

const payloads = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .record({ length: fc.constantFrom(300_000, BLOCK_BYTES - 5, BLOCK_BYTES), byte: fc.nat(255) })
    .map(({ length, byte }) => new Uint8Array(length).fill(byte)),
);

describe('messages', () => {
  test('are the same however the bytes are cut into pieces', () => {
    const cuts = fc.array(fc.nat(2_000_000), { maxLength: 30 });
    fc.assert(
      fc.property(fc.array(payloads, { maxLength: 4 }), cuts, (sent, at) => {
        const bytes = Buffer.concat(sent.map(framed));
        const edges = [0, ...at.filter((one) => one < bytes.length).sort((a, b) => a - b), bytes.length];
        const decoder = new MessageDecoder(-1);
        const got = edges.slice(1).flatMap((end, index) => decoder.write(bytes.subarray(edges[index], end)));
        expect(got.map((message) => message.equals(framed(sent.shift() ?? new Uint8Array(1))))).toEqual(
          got.map(() => true),
        );
        expect(sent).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('of the limit pass, longer ones are refused before any of their bytes is taken', () => {
    const whole = framed(new Uint8Array(100));
    expect(new MessageDecoder(100).write(whole)).toEqual([whole]);
    expect(() => new MessageDecoder(99).write(whole.subarray(0, 5))).toThrow(/larger than max \(100 vs 99\)/);
  });

  test('of frames lie in memory that is used again once it is given back, and not before', () => {
    const decoder = new MessageDecoder(-1);
    const message = framed(new Uint8Array(BLOCK_BYTES - 5));
    const [first] = decoder.write(message);
    const [second] = decoder.write(message);
    expect(second?.buffer).not.toBe(first?.buffer);
    frameMemory.giveBack(first ?? message);
    const [third] = decoder.write(message);
    expect(third?.buffer).toBe(first?.buffer);
  });
});
