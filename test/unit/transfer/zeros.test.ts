import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isZero, nonzeroExtents, ZERO_BLOCK_BYTES } from '../../../src/transfer/zeros.ts';

const SIZE = 5 * ZERO_BLOCK_BYTES + 777;

test('one byte anywhere makes its block data, and no other', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(SIZE - 1), { maxLength: 4 }), fc.boolean(), (places, inSharedMemory) => {
      const bytes = inSharedMemory ? Buffer.from(new SharedArrayBuffer(SIZE)) : Buffer.alloc(SIZE);
      for (const place of places) bytes.writeUInt8(1, place);
      const blocks = new Set(places.map((place) => Math.floor(place / ZERO_BLOCK_BYTES)));
      expect(isZero(bytes)).toBe(blocks.size === 0);
      const covered = nonzeroExtents(bytes, 2 * ZERO_BLOCK_BYTES).flatMap(({ offset, length }) => {
        expect(length).toBeLessThanOrEqual(2 * ZERO_BLOCK_BYTES);
        expect(offset + length).toBeLessThanOrEqual(SIZE);
        const count = Math.ceil(length / ZERO_BLOCK_BYTES);
        return Array.from({ length: count }, (_, index) => offset / ZERO_BLOCK_BYTES + index);
      });
      expect(covered).toEqual([...blocks].sort((one, other) => one - other));
    }),
  );
});
