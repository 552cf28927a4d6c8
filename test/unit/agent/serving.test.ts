import { expect, test } from 'vitest';
import { OpenImages } from '../../../src/agent/open-images.ts';
import { type Packing, type RunsRequest, serveRuns } from '../../../src/agent/serving.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import { Processors } from '../../../src/transfer/processors.ts';
import { draw, IMAGE_ID, storeWith } from '../transfer/samples.ts';
import { WatchedStore } from '../transfer/watched-store.ts';

const NEVER = new AbortController().signal;
const AT_ONCE = { take: async () => {} };
const REQUEST: RunsRequest = { imageId: IMAGE_ID, runs: [{ firstChunk: 0, chunkCount: 8 }] };

async function setUp(packing?: Packing) {
  const bytes = draw({ chunks: Array.from({ length: 8 }, () => 'full' as const), missingBytes: 0 });
  const store = new WatchedStore(await storeWith(bytes));
  const openImages = new OpenImages(store);
  const sent: number[] = [];
  const parts = { openImages, onSent: (count: number) => void sent.push(count), ...(packing && { packing }) };
  return { store, openImages, parts, sent };
}

/** A receiver that takes so many frames, and then no more. */
function stuckAfter(count: number): (frame: Frame) => Promise<void> {
  let taken = 0;
  return async () => {
    taken += 1;
    if (taken > count) await new Promise(() => {});
  };
}

test('removing an image ends all its streams, wherever they are, and leaves nothing in memory', async () => {
  const { store, openImages, parts } = await setUp();
  const forEver = { take: () => new Promise<void>(() => {}) };
  const streams = [
    serveRuns(parts, { ...REQUEST, toStoreId: 'dcn0' }, AT_ONCE, stuckAfter(0), NEVER),
    serveRuns(parts, { ...REQUEST, toStoreId: 'dcn1' }, forEver, stuckAfter(99), NEVER),
    serveRuns(parts, { ...REQUEST, toStoreId: 'dcn2' }, AT_ONCE, stuckAfter(21), NEVER),
  ];
  const ends = Promise.allSettled(streams);
  await expect.poll(() => store.calls.filter((call) => call === 'read').length).toBe(8);
  await expect.poll(() => store.active).toBe(0);
  expect(openImages.bytesInUse).toBeGreaterThan(0);
  const removed = new Refusal('NOT_FOUND', 'removed');
  await openImages.evict(IMAGE_ID, removed);
  expect((await ends).map((end) => 'reason' in end && end.reason)).toEqual([removed, removed, removed]);
  expect([store.openImages, openImages.bytesInUse]).toEqual([0, 0]);
});

test('a receiver that leaves takes only itself away', async () => {
  const { openImages, parts, sent } = await setUp();
  const leave = new AbortController();
  const gone = new Refusal('CANCELLED', 'left');
  const leaving = serveRuns(parts, { ...REQUEST, toStoreId: 'dcn0' }, AT_ONCE, stuckAfter(2), leave.signal);
  const staying = serveRuns(parts, { ...REQUEST, toStoreId: 'dcn1' }, AT_ONCE, stuckAfter(99), NEVER);
  leave.abort(gone);
  await expect(leaving).rejects.toBe(gone);
  await staying;
  expect(sent.length).toBeGreaterThanOrEqual(8 * 4);
  expect(openImages.bytesInUse).toBe(0);
  await openImages[Symbol.asyncDispose]();
});

test('what was found out about packing for a store holds for its next request', async () => {
  const processors = new Processors();
  const { parts, openImages } = await setUp({ mode: 'on', processors });
  const take = async () => {};
  for (let chunk = 0; chunk < 8; chunk++) {
    const runs = [{ firstChunk: chunk, chunkCount: 1 }];
    await serveRuns(
      parts,
      { imageId: IMAGE_ID, runs, acceptsPacked: true, toStoreId: 'dcn0' },
      AT_ONCE,
      take,
      NEVER,
    );
  }
  await using lease = await openImages.open(IMAGE_ID);
  const receiver = lease.chunks.receiver('dcn0');
  expect(receiver).toMatchObject({ streams: 0, held: 0 });
  expect(receiver.packing).toBeDefined();
  expect(lease.chunks.receiver('dcn1').packing).toBeUndefined();
});

test('runs that make no sense are refused, and read nothing', async () => {
  const { parts, store } = await setUp();
  const runs = [{ firstChunk: 7, chunkCount: 2 }];
  const serving = serveRuns(parts, { imageId: IMAGE_ID, runs }, AT_ONCE, stuckAfter(0), NEVER);
  await expect(serving).rejects.toMatchObject({ code: 'INVALID' });
  expect(store.calls).not.toContain('read');
});
