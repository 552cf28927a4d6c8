import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PartialSink } from '../../../src/agent/imports/partial-sink.ts';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { refusalIn } from '../rpc/harness.ts';
import { MemoryStore } from '../transfer/memory-store.ts';
import { IMAGE_ID } from '../transfer/samples.ts';

const BLOCK_BYTES = 64 * 1024;

async function bench(sizeBytes: number) {
  const store = new MemoryStore();
  const image = await store.openPartial(IMAGE_ID, sizeBytes);
  const writes: [offset: number, length: number][] = [];
  const watched = Object.assign(Object.create(image), {
    sizeBytes,
    write: async (offset: number, bytes: Uint8Array) => {
      writes.push([offset, bytes.length]);
      await image.write(offset, bytes);
    },
    read: (offset: number, target: Uint8Array) => image.read(offset, target),
    flush: () => image.flush(),
  });
  const bytes = async () => {
    const all = Buffer.alloc(sizeBytes);
    await image.read(0, all);
    return all;
  };
  return { sink: new PartialSink(watched), writes, bytes };
}

test('small writes that follow on each other reach the store as chunks', async () => {
  const { sink, writes, bytes } = await bench(3 * CHUNK_BYTES);
  const expected = Buffer.alloc(3 * CHUNK_BYTES);
  // From the middle of the first chunk to the end of the second, then one block further on.
  const from = CHUNK_BYTES / 2;
  const offsets = Array.from({ length: 96 }, (_, index) => from + index * BLOCK_BYTES);
  for (const offset of [...offsets, 2 * CHUNK_BYTES + BLOCK_BYTES]) {
    const block = Buffer.alloc(BLOCK_BYTES, 1 + (offset % 251));
    block.copy(expected, offset);
    void sink.write(offset, block);
  }
  await sink.flush();
  expect(writes).toEqual([
    [from, CHUNK_BYTES / 2],
    [CHUNK_BYTES, CHUNK_BYTES],
    [2 * CHUNK_BYTES + BLOCK_BYTES, BLOCK_BYTES],
  ]);
  expect((await bytes()).equals(expected)).toBe(true);
});

test('whatever is written, read and flushed in whatever order, it is what the image holds', async () => {
  const SIZE = 2 * CHUNK_BYTES;
  const step = fc.record({
    offset: fc.nat(SIZE / BLOCK_BYTES - 1),
    blocks: fc.integer({ min: 1, max: 40 }),
    after: fc.constantFrom('go on', 'read', 'flush'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const { sink, bytes } = await bench(SIZE);
      const expected = Buffer.alloc(SIZE);
      for (const [index, { offset, blocks, after }] of steps.entries()) {
        const at = offset * BLOCK_BYTES;
        const data = Buffer.alloc(Math.min(blocks * BLOCK_BYTES, SIZE - at), index + 1);
        data.copy(expected, at);
        await sink.write(at, data);
        if (after === 'flush') await sink.flush();
        if (after !== 'read') continue;
        const read = Buffer.alloc(data.length);
        await sink.read(at, read);
        expect(read.equals(data)).toBe(true);
      }
      await sink.flush();
      expect((await bytes()).equals(expected)).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test('what the store refuses is told to who flushes, and nothing more is written', async () => {
  const { sink, writes } = await bench(CHUNK_BYTES);
  const full = new Refusal('NO_SPACE', 'the pool is full');
  writes.push = () => {
    throw full;
  };
  await sink.write(0, Buffer.alloc(BLOCK_BYTES));
  expect(await refusalIn(sink.flush())).toBe(full);
  expect(await refusalIn(sink.write(BLOCK_BYTES, Buffer.alloc(BLOCK_BYTES)))).toBe(full);
});
