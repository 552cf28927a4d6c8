import { afterAll, describe, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { DigestPool } from '../../../src/image/digests.ts';
import { ASKED_CHUNKS } from '../../../src/transfer/loss.ts';
import { METADATA, parseCheckpoint } from '../../../src/transfer/metadata.ts';
import { type ReceiveOptions, receiveCopy } from '../../../src/transfer/receiver.ts';
import { SlabPool } from '../../../src/transfer/slab.ts';
import { MemoryStore } from './memory-store.ts';
import { chunkOf, draw, IMAGE_ID, manifestOf, SendingSource, storeWith } from './samples.ts';
import { WatchedStore } from './watched-store.ts';

const digests = new DigestPool({ threads: 1 });
afterAll(() => digests[Symbol.asyncDispose]());

/** Data in every second chunk, in a block each: quick to move, and holes between. */
const CHUNKS = 60;
const SKETCH = {
  chunks: Array.from({ length: CHUNKS }, (_, chunk) => (chunk % 2 === 0 ? [3] : ('hole' as const))),
  missingBytes: 0,
};
const bytes = draw(SKETCH);
const manifest = manifestOf(bytes);

/** A partial image with a checkpoint at chunk 0, and in it the chunks given, as they should be. */
async function bench(there: readonly number[]) {
  const memory = new MemoryStore();
  const left = await memory.openPartial(IMAGE_ID, bytes.length);
  await left.setMetadata(METADATA.checkpoint, JSON.stringify({ root: manifest.root, nextChunk: 0 }));
  for (const chunk of there) {
    const block = bytes.subarray(chunk * CHUNK_BYTES + 3 * 65536, chunk * CHUNK_BYTES + 4 * 65536);
    await left.write(chunk * CHUNK_BYTES + 3 * 65536, block);
  }
  await left[Symbol.asyncDispose]();
  const store = new WatchedStore(memory);
  const source = new SendingSource(await storeWith(bytes));
  const receive = (changes: Partial<ReceiveOptions> = {}) =>
    receiveCopy({
      store,
      imageId: IMAGE_ID,
      manifest,
      source,
      recordJson: '{}',
      digests,
      slabs: new SlabPool(6),
      onProgress: () => {},
      signal: new AbortController().signal,
      ...changes,
    });
  const checkpoint = () => parseCheckpoint(memory.images.get(IMAGE_ID)?.metadata.get(METADATA.checkpoint));
  return { memory, store, source, receive, checkpoint };
}

const data = Array.from({ length: CHUNKS / 2 }, (_, index) => index * 2);

test('what lies before the checkpoint is read back, also when the rest is verified on arrival', async () => {
  const { memory, source, receive } = await bench(data.slice(0, 10));
  const left = await memory.openPartial(IMAGE_ID, bytes.length);
  await left.setMetadata(METADATA.checkpoint, JSON.stringify({ root: manifest.root, nextChunk: 20 }));
  // As an attempt left it that was cut while it mended what had read back wrong.
  await left.write(4 * CHUNK_BYTES, Buffer.alloc(65536, 7));
  await left[Symbol.asyncDispose]();
  const { traffic } = await receive({ verify: 'arrival' });
  expect(source.sentChunks.filter((chunk) => chunk < 20)).toEqual([4]);
  expect(traffic.verifiedBytes).toBe(10 * CHUNK_BYTES);
  const image = await memory.openWhole(IMAGE_ID);
  const found = Buffer.alloc(CHUNK_BYTES);
  await image.read(4 * CHUNK_BYTES, found);
  expect(found.equals(chunkOf(bytes, 4))).toBe(true);
});

describe('what a cut attempt left after its checkpoint', () => {
  test.each([
    ['one pull', 1],
    ['several', 3],
  ])('is not sent again when it is right, and counted, with %s', async (_, width) => {
    const there = [2, 4, 10, 28];
    const { memory, store, source, receive } = await bench(there);
    source.width = width;
    const { traffic } = await receive();
    expect(source.sentChunks.toSorted((one, other) => one - other)).toEqual(
      data.filter((chunk) => !there.includes(chunk)),
    );
    expect(traffic).toMatchObject({
      resumedBytes: there.length * CHUNK_BYTES,
      // Read back after the flush as all the rest.
      verifiedBytes: manifest.dataBytes,
    });
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
    expect(memory.images.get(IMAGE_ID)?.blocks.size).toBe(data.length);
    expect(store.calls.filter((call) => call === 'write').length).toBe(data.length);
  });

  test('is covered by no checkpoint before it is flushed', async () => {
    const { memory, store, source, receive, checkpoint } = await bench(data.slice(0, 9));
    source.onFrame = () => {
      throw new Refusal('UNAVAILABLE', 'cut');
    };
    let flushed = 0;
    store.around = (call, when) => {
      if (call === 'flush' && when === 'after') flushed++;
      // The checkpoint that is there stays until the first flush.
      if (call === 'setMetadata' && when === 'before') expect(flushed).toBeGreaterThan(0);
    };
    await expect(receive()).rejects.toThrow('cut');
    memory.crash(() => 'old');
    expect(checkpoint()?.nextChunk).toBe(17);
    for (const chunk of data.slice(0, 9)) {
      const held = memory.bytesOf(IMAGE_ID) ?? Buffer.alloc(0);
      expect(chunkOf(held, chunk).equals(chunkOf(bytes, chunk))).toBe(true);
    }
  });

  test('is written anew, since a flush that failed may have given it up', async () => {
    const { memory, source, receive } = await bench(data.slice(0, 9));
    memory.giveUpUnflushed();
    await receive();
    expect(source.sentChunks).toEqual(data.slice(9));
    memory.crash(() => 'old');
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
  });

  test('is sent again and written whole when something of it is wrong, where it is zeros too', async () => {
    const { memory, source, receive } = await bench([0, 2, 4]);
    // In a block that is zeros in the source, and in one that is not.
    memory.damage(IMAGE_ID, 2 * CHUNK_BYTES + 40 * 65536);
    memory.damage(IMAGE_ID, 4 * CHUNK_BYTES + 3 * 65536 + 7);
    const { traffic } = await receive({ verify: 'arrival' });
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
    expect(source.sentChunks.slice(0, 2)).toEqual([2, 4]);
    expect(traffic.resumedBytes).toBe(CHUNK_BYTES);
  });

  test('is looked for no further than an attempt may have come, and read where something is', async () => {
    const { store, source, receive } = await bench([6, data[ASKED_CHUNKS] ?? 0]);
    let reads = 0;
    let looks = 0;
    store.around = (call, when) => {
      if (when !== 'before' || source.requests.length > 0) return;
      if (call === 'read') reads++;
      if (call === 'extents') looks++;
    };
    await receive();
    expect({ reads, looks }).toEqual({ reads: 1, looks: ASKED_CHUNKS });
    expect(source.sentChunks).toContain(data[ASKED_CHUNKS]);
  });

  test('refused by the store as it says, with nothing asked for and everything settled', async () => {
    const { store, source, receive } = await bench([0, 2]);
    const slabs = new SlabPool(6);
    store.around = (call, when) => {
      if (call === 'read' && when === 'before') throw new Refusal('UNAVAILABLE', 'cannot be read');
    };
    await expect(receive({ slabs })).rejects.toThrow('cannot be read');
    expect([source.requests, slabs.bytesInUse, store.active, store.openImages]).toEqual([[], 0, 0, 0]);
  });
});
