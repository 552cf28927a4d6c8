import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHUNK_BYTES, chunkCount } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { ChunkSlabs } from '../../../src/transfer/chunk-slabs.ts';
import { READ_AHEAD } from '../../../src/transfer/chunk-stream.ts';
import { type ChunkRun, FRAME_BYTES, type Frame, RUNS_PER_REQUEST } from '../../../src/transfer/frames.ts';
import { dataRunsOf, sendImage } from '../../../src/transfer/read-image.ts';
import { sendRuns } from '../../../src/transfer/sender.ts';
import { BLOCK_BYTES, draw, IMAGE_ID, manifestOf, sketches, storeWith } from './samples.ts';
import { WatchedStore } from './watched-store.ts';

const forever = new AbortController().signal;

async function open(bytes: Buffer) {
  const store = new WatchedStore(await storeWith(bytes));
  return { store, image: await store.openWhole(IMAGE_ID) };
}

/** Puts frames where they belong into an image of zeros. */
function assemble(sizeBytes: number, frames: readonly Frame[]): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (const { offset, data } of frames) bytes.set(data, offset);
  return bytes;
}

describe('sendRuns', () => {
  test('sends the chunks asked for, in order, without zero blocks, and marks their ends', async () => {
    await fc.assert(
      fc.asyncProperty(sketches(1, 6), fc.nat(), async (sketch, choice) => {
        const bytes = draw(sketch);
        const wanted = Array.from({ length: chunkCount(bytes.length) }, (_, chunk) => chunk).filter(
          (chunk) => ((choice >> chunk) & 1) === 1,
        );
        const { image } = await open(bytes);
        const slabs = new ChunkSlabs();
        const frames: Frame[] = [];
        const runs = wanted.map((chunk) => ({ firstChunk: chunk, chunkCount: 1 }));
        await sendRuns(image, runs, async (frame) => void frames.push(frame), { slabs, signal: forever });

        expect(slabs.bytesInUse).toBe(0);
        expect(
          frames.filter((frame) => frame.last).map(({ offset }) => Math.floor(offset / CHUNK_BYTES)),
        ).toEqual(wanted);
        for (const chunk of wanted) {
          const own = frames.filter(({ offset }) => Math.floor(offset / CHUNK_BYTES) === chunk);
          const start = chunk * CHUNK_BYTES;
          const end = Math.min(start + CHUNK_BYTES, bytes.length);
          expect(assemble(bytes.length, own).subarray(start, end).equals(bytes.subarray(start, end))).toBe(
            true,
          );
          for (const { data, offset } of own) {
            expect(data.length).toBeLessThanOrEqual(FRAME_BYTES);
            for (let at = 0; at < data.length; at += BLOCK_BYTES) {
              expect(data.subarray(at, at + BLOCK_BYTES).some((byte) => byte !== 0)).toBe(true);
            }
            expect(offset % BLOCK_BYTES).toBe(0);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  test('while nothing is taken reads no more than its bound', async () => {
    const { store, image } = await open(
      draw({ chunks: ['full', 'full', 'full', 'full', 'full', 'full', 'full'], missingBytes: 0 }),
    );
    const slabs = new ChunkSlabs();
    const stop = new AbortController();
    const given: Frame[] = [];
    const sending = sendRuns(
      image,
      [{ firstChunk: 0, chunkCount: 7 }],
      (frame) => {
        given.push(frame);
        return given.length < 3 ? Promise.resolve() : new Promise(() => {});
      },
      { slabs, signal: stop.signal },
    );
    await expect.poll(() => given.length).toBe(3);
    await expect.poll(() => store.active).toBe(0);
    expect(store.calls.filter((call) => call === 'read').length).toBe(READ_AHEAD);
    expect(slabs.bytesInUse).toBe(READ_AHEAD * CHUNK_BYTES);
    stop.abort();
    await expect(sending).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(slabs.bytesInUse).toBe(0);
  });

  test('frames stay what they are after their slab is used again', async () => {
    const bytes = draw({ chunks: ['full', 'full', 'full', 'full'], missingBytes: 0 });
    const { image } = await open(bytes);
    const frames: Frame[] = [];
    const slabs = new ChunkSlabs();
    await sendRuns(image, [{ firstChunk: 0, chunkCount: 4 }], async (frame) => void frames.push(frame), {
      slabs,
      readAhead: 1,
      signal: forever,
    });
    expect(assemble(bytes.length, frames).equals(bytes)).toBe(true);
  });

  test.each<[string, ChunkRun[]]>([
    ['an empty run', [{ firstChunk: 0, chunkCount: 0 }]],
    ['a run outside', [{ firstChunk: 2, chunkCount: 2 }]],
    ['a run of 2^53 chunks', [{ firstChunk: 1, chunkCount: Number.MAX_SAFE_INTEGER }]],
    ['a negative run', [{ firstChunk: -1, chunkCount: 2 }]],
    ['half a chunk', [{ firstChunk: 0.5, chunkCount: 1 }]],
    [
      'runs that overlap',
      [
        { firstChunk: 0, chunkCount: 2 },
        { firstChunk: 1, chunkCount: 1 },
      ],
    ],
    [
      'runs that fall',
      [
        { firstChunk: 2, chunkCount: 1 },
        { firstChunk: 0, chunkCount: 1 },
      ],
    ],
    ['too many runs', Array.from({ length: RUNS_PER_REQUEST + 1 }, () => ({ firstChunk: 0, chunkCount: 1 }))],
  ])('refuses %s and reads nothing', async (_, runs) => {
    const { store, image } = await open(draw({ chunks: ['full', 'full', 'full'], missingBytes: 0 }));
    const options = { slabs: new ChunkSlabs(), signal: forever };
    await expect(sendRuns(image, runs, async () => {}, options)).rejects.toMatchObject({ code: 'INVALID' });
    expect(store.calls).not.toContain('read');
  });

  test.each(['read', 'write', 'abort'] as const)(
    'settles everything before it rejects for a failed %s',
    async (what) => {
      const { store, image } = await open(
        draw({ chunks: Array.from({ length: 8 }, () => 'full' as const), missingBytes: 0 }),
      );
      const slabs = new ChunkSlabs();
      const stop = new AbortController();
      let reads = 0;
      store.around = (call, when) => {
        if (call === 'read' && when === 'after' && ++reads === 3 && what === 'read')
          throw new Refusal('UNAVAILABLE', 'gone');
      };
      let frames = 0;
      const write = async () => {
        if (++frames < 6) return;
        if (what === 'write') throw new Refusal('UNAVAILABLE', 'gone');
        if (what === 'abort') stop.abort(new Refusal('UNAVAILABLE', 'gone'));
      };
      const sending = sendRuns(image, [{ firstChunk: 0, chunkCount: 8 }], write, {
        slabs,
        signal: stop.signal,
      });
      await expect(sending).rejects.toMatchObject({ code: 'UNAVAILABLE', message: 'gone' });
      expect([store.active, slabs.bytesInUse]).toEqual([0, 0]);
    },
  );
});

describe('a whole image', () => {
  test('has data runs that cover its data and not its holes', async () => {
    await fc.assert(
      fc.asyncProperty(sketches(1, 8), async (sketch) => {
        const bytes = draw(sketch);
        const { image } = await open(bytes);
        const runs: ChunkRun[] = [];
        for await (const run of dataRunsOf(image)) runs.push(run);
        expect(runs).toEqual(manifestOf(bytes).dataRuns());
      }),
      { numRuns: 30 },
    );
  });

  test('is sent with the frame that ends it', async () => {
    const bytes = draw({ chunks: ['hole', [0, 63], 'hole', 'full', 'hole'], missingBytes: 7 });
    const { image } = await open(bytes);
    const frames: Frame[] = [];
    await sendImage(image, async (frame) => void frames.push(frame), {
      slabs: new ChunkSlabs(),
      signal: forever,
    });
    expect(assemble(bytes.length, frames).equals(bytes)).toBe(true);
    expect(frames.at(-1)).toMatchObject({ offset: bytes.length, last: true });
    expect(frames.at(-1)?.data.length).toBe(0);
  });
});
