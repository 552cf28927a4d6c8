import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { Checkpointer } from '../../../src/transfer/checkpointer.ts';
import { METADATA, parseCheckpoint, writeCheckpoint } from '../../../src/transfer/metadata.ts';
import { MemoryStore } from './memory-store.ts';
import { IMAGE_ID } from './samples.ts';
import { WatchedStore } from './watched-store.ts';

const forever = new AbortController().signal;

async function bench(everyChunks: number, mostChunks: number) {
  const memory = new MemoryStore();
  const store = new WatchedStore(memory);
  const image = await store.openPartial(IMAGE_ID, 100 * CHUNK_BYTES);
  const checkpointer = new Checkpointer({
    image,
    startChunk: 0,
    write: (nextChunk) => writeCheckpoint(image, { root: 'ab', nextChunk }),
    everyChunks,
  });
  const begin = (chunk: number, signal = forever) => checkpointer.begin(chunk, mostChunks, signal);
  const saved = () =>
    parseCheckpoint(memory.images.get(IMAGE_ID)?.metadata.get(METADATA.checkpoint))?.nextChunk;
  return { store, checkpointer, begin, saved };
}

describe('a checkpoint', () => {
  test('never covers a chunk that is not done, and is not late', async () => {
    const orders = fc.integer({ min: 1, max: 6 }).chain((width) =>
      fc.record({
        width: fc.constant(width),
        picks: fc.array(fc.nat(width - 1), { minLength: 12, maxLength: 12 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(orders, fc.integer({ min: 1, max: 4 }), async ({ width, picks }, everyChunks) => {
        const { checkpointer, begin, saved } = await bench(everyChunks, 100);
        // Chunks are done in any order a window of `width` allows; only every other chunk is data.
        const chunks = picks.map((_, index) => index * 2);
        const open: number[] = [];
        const done = new Set<number>();
        for (const pick of picks) {
          while (open.length < width && chunks.length > 0) {
            const chunk = chunks.shift() ?? 0;
            await begin(chunk);
            open.push(chunk);
          }
          const [chunk] = open.splice(pick % open.length, 1);
          if (chunk === undefined) continue;
          done.add(chunk);
          await checkpointer.done(chunk);
          const covered = picks.map((_, index) => index * 2).filter((data) => data < (saved() ?? 0));
          for (const data of covered) expect(done).toContain(data);
          let gapless = 0;
          while (done.has(gapless * 2)) gapless++;
          expect(gapless - covered.length).toBeLessThan(everyChunks);
        }
      }),
    );
  });

  test('is waited for when too much would be lost, and waiting ends with it or by abort', async () => {
    const { store, checkpointer, begin, saved } = await bench(2, 3);
    const flushing = Promise.withResolvers<void>();
    store.around = (call, when) => (call === 'flush' && when === 'before' ? flushing.promise : undefined);
    for (const chunk of [0, 1, 2]) await begin(chunk);
    const stop = new AbortController();
    const aborted = begin(3, stop.signal);
    stop.abort(new Refusal('CANCELLED', 'enough'));
    await expect(aborted).rejects.toThrow('enough');

    let begun = false;
    const waiting = begin(3).then(() => {
      begun = true;
    });
    const saving = Promise.all([checkpointer.done(0), checkpointer.done(1)]);
    await expect.poll(() => store.calls).toContain('flush');
    expect([begun, saved()]).toEqual([false, undefined]);
    flushing.resolve();
    await saving;
    await waiting;
    expect(saved()).toBe(2);
  });

  test('covers what was done when the flush began, not what was done during it', async () => {
    const { store, checkpointer, begin, saved } = await bench(2, 9);
    const flushing = Promise.withResolvers<void>();
    store.around = (call, when) => (call === 'flush' && when === 'before' ? flushing.promise : undefined);
    for (const chunk of [0, 1, 2]) await begin(chunk);
    const first = checkpointer.done(0);
    const saving = checkpointer.done(1);
    await checkpointer.done(2);
    flushing.resolve();
    await Promise.all([first, saving]);
    expect(saved()).toBe(2);
    await checkpointer.saveRest();
    expect(saved()).toBe(3);
  });

  test('is not made any more after a flush that failed: a later one would succeed without those bytes', async () => {
    const { store, checkpointer, begin, saved } = await bench(1, 9);
    let fails = true;
    store.around = (call, when) => {
      if (call === 'flush' && when === 'before' && fails) throw new Refusal('INTERNAL', 'input/output error');
    };
    for (const chunk of [0, 1]) await begin(chunk);
    await expect(checkpointer.done(0)).rejects.toThrow('input/output error');
    fails = false;
    await checkpointer.done(1);
    await checkpointer.saveRest();
    expect(saved()).toBeUndefined();
  });
});
