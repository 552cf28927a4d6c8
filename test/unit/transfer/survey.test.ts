import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { DigestPool } from '../../../src/image/digests.ts';
import type { ReadableImage } from '../../../src/store/store.ts';
import { SlabPool } from '../../../src/transfer/slab.ts';
import { surveyImage } from '../../../src/transfer/survey.ts';
import { MemoryStore } from './memory-store.ts';
import { draw, IMAGE_ID, manifestOf, type Sketch, sketches } from './samples.ts';

const digests = new DigestPool({ threads: 2 });
afterAll(() => digests[Symbol.asyncDispose]());

/** An image with these bytes, partial as it lies there after somebody else wrote it. */
async function stored(bytes: Buffer): Promise<ReadableImage> {
  const image = await new MemoryStore().openPartial(IMAGE_ID, bytes.length);
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const chunk = bytes.subarray(at, at + CHUNK_BYTES);
    if (!chunk.every((byte) => byte === 0)) await image.write(at, chunk);
  }
  return image;
}

function survey(image: ReadableImage, signal = new AbortController().signal) {
  const slabs = new SlabPool(4);
  const passed = { readBytes: 0, holeBytes: 0 };
  const onPassed = ({ readBytes, holeBytes }: typeof passed) => {
    passed.readBytes += readBytes;
    passed.holeBytes += holeBytes;
  };
  return { slabs, passed, content: surveyImage({ image, digests, slabs, onPassed, signal }) };
}

/** Its reads end in another order than they began, as those of a cluster do. */
function shuffled(image: ReadableImage, reads: number[] = []): ReadableImage {
  return {
    sizeBytes: image.sizeBytes,
    extents: (offset, length) => image.extents(offset, length),
    metadata: (key) => image.metadata(key),
    read: async (offset, target) => {
      reads.push(offset / CHUNK_BYTES);
      for (let turn = 0; turn < (offset / CHUNK_BYTES) % 3; turn++) await new Promise(setImmediate);
      await image.read(offset, target);
    },
    [Symbol.asyncDispose]: () => image[Symbol.asyncDispose](),
  };
}

test('finds the digests and the manifest of what lies there, and reads no hole', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(sketches(1, 10), async (sketch) => {
      const bytes = draw(sketch);
      const manifest = manifestOf(bytes);
      const reads: number[] = [];
      const { content, passed, slabs } = survey(shuffled(await stored(bytes), reads));
      const found = await content;
      expect(found.manifest.root).toBe(manifest.root);
      expect(found.md5).toBe(createHash('md5').update(bytes).digest('hex'));
      expect(found.sha512).toBe(createHash('sha512').update(bytes).digest('hex'));
      expect(passed).toEqual({ readBytes: manifest.dataBytes, holeBytes: bytes.length - manifest.dataBytes });
      expect(reads.filter((chunk) => manifest.digestOf(chunk) === undefined)).toEqual([]);
      expect(slabs.bytesInUse).toBe(0);
    }),
    { numRuns: 25 },
  );
});

const SAMPLE: Sketch = { chunks: ['full', [3], 'hole', 'full', [9], 'full', 'full', [1]], missingBytes: 0 };

test('zeros that the store has data for are a hole as well', async () => {
  const bytes = draw({ chunks: ['hole', [3], 'hole'], missingBytes: 0 });
  const image = await new MemoryStore().openPartial(IMAGE_ID, bytes.length);
  await image.write(0, bytes);
  const { content, passed } = survey(image);
  expect((await content).manifest.root).toBe(manifestOf(bytes).root);
  expect(passed).toEqual({ readBytes: CHUNK_BYTES, holeBytes: 2 * CHUNK_BYTES });
});

test.each([0, 3, 7])('a read of chunk %i that fails is told, and nothing is left held', async (chunk) => {
  const image = shuffled(await stored(draw(SAMPLE)));
  const failing = {
    ...image,
    read: async (offset: number, target: Uint8Array) => {
      if (offset === chunk * CHUNK_BYTES) throw new Refusal('UNAVAILABLE', 'the cluster does not answer');
      await image.read(offset, target);
    },
  };
  const { content, slabs } = survey(failing);
  await expect(content).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: 'the cluster does not answer',
  });
  expect(slabs.bytesInUse).toBe(0);
});

test('an abort ends it between two chunks', async () => {
  const stop = new AbortController();
  const image = shuffled(await stored(draw(SAMPLE)));
  const { content, slabs } = survey(
    {
      ...image,
      read: async (offset, target) => {
        if (offset === 3 * CHUNK_BYTES) stop.abort(new Refusal('CANCELLED', 'not wanted any more'));
        await image.read(offset, target);
      },
    },
    stop.signal,
  );
  await expect(content).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(slabs.bytesInUse).toBe(0);
});
