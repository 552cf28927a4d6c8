import { expect, test, vi } from 'vitest';
import { Attach, type AttachCall } from '../../../src/agent/attach.ts';
import { Backoff } from '../../../src/agent/backoff.ts';
import { ImageLocks } from '../../../src/agent/image-locks.ts';
import { ManifestCache } from '../../../src/agent/manifest-cache.ts';
import { OpenImages } from '../../../src/agent/open-images.ts';
import { PushSessions } from '../../../src/agent/push-sessions.ts';
import { PushedFrames } from '../../../src/agent/pushed-frames.ts';
import { TaskBoard } from '../../../src/agent/task-board.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { FrameSource } from '../../../src/transfer/frames.ts';
import { collect, gate, refusalIn } from '../rpc/harness.ts';
import { draw, IMAGE_ID, manifestOf, storeWith } from '../transfer/samples.ts';
import { WatchedStore } from '../transfer/watched-store.ts';

const NEVER = new AbortController().signal;
const WINDOW_BYTES = 4 * 1024 * 1024;
const KEY = { taskId: 'copy-1', attempt: 1, imageId: IMAGE_ID };

test('waits grow to a ceiling, with full jitter, and begin anew after a success', () => {
  const limits = { minMs: 250, maxMs: 15_000 };
  const highest = new Backoff(limits, () => 0.999999);
  const waits = Array.from({ length: 8 }, () => Math.round(highest.next()));
  expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  highest.reset();
  expect(Math.round(highest.next())).toBe(250);
  expect(new Backoff(limits, () => 0).next()).toBe(0);
  expect(new Backoff(limits, () => 0).slow()).toBe(7500);
});

test('one at a time per image, in order, also after a failure', async () => {
  const locks = new ImageLocks();
  const first = gate();
  const order: string[] = [];
  const one = locks.run('a', async () => {
    await first.opened;
    order.push('a1');
    throw new Error('failed');
  });
  const two = locks.run('a', async () => void order.push('a2'));
  await locks.run('b', async () => void order.push('b1'));
  first.open();
  await expect(one).rejects.toThrow('failed');
  await two;
  expect(order).toEqual(['b1', 'a1', 'a2']);
});

test('progress is told at each phase, and twice a second in between', async () => {
  let nowMs = 0;
  const told: string[] = [];
  const moved: number[] = [];
  const board = new TaskBoard({
    locks: new ImageLocks(),
    now: () => nowMs,
    tell: ({ progress, result }) => {
      told.push(result ? 'result' : [progress?.progress?.phase, progress?.progress?.doneBytes].join(' '));
      return true;
    },
    observer: {
      started: () => undefined,
      progressed: (_assignment, { doneBytes }) => void moved.push(doneBytes),
      ended: () => undefined,
      ignored: () => undefined,
      inContext: (_assignment, work) => work(),
    },
    perform: async (_assignment, { onProgress, traffic }) => {
      const rest = { totalBytes: 8, resumedBytes: 0, holeBytes: 0, receivedBytes: 0, wireBytes: 0 };
      for (const [doneBytes, atMs] of [0, 100, 499, 500, 999, 1000, 1100].entries()) {
        nowMs = atMs;
        onProgress({ phase: 'transferring', doneBytes, ...rest });
      }
      onProgress({ phase: 'verifying', doneBytes: 0, ...rest });
      return { outcome: { kind: 'copied', verifiedRoot: '' }, traffic };
    },
  });
  board.assign({ ...KEY, jobId: '', requestId: '', work: { kind: 'delete' } });
  await vi.waitFor(() => expect(told.at(-1)).toBe('result'), { timeout: 10_000 });
  expect(told).toEqual(['transferring 0', 'transferring 3', 'transferring 5', 'verifying 0', 'result']);
  expect(moved).toEqual([0, 1, 2, 3, 4, 5, 6, 0]);
});

test('manifests are kept up to a number of bytes, the last used longest', () => {
  const manifests = ['hole', 'full', [0], [1]].map((chunk) =>
    manifestOf(draw({ chunks: ['full', chunk as 'hole' | 'full' | number[]], missingBytes: 0 })),
  );
  const [small, ...large] = manifests;
  // Three chunks' digests: the small one and one of the large ones fit.
  const cache = new ManifestCache(3 * 32);
  for (const manifest of manifests) {
    cache.put(manifest);
    cache.get(small?.root ?? '');
  }
  const kept = manifests.filter(({ root }) => cache.get(root));
  expect(kept).toEqual([small, large.at(-1)]);
  const none = new ManifestCache(31);
  none.put(manifests[0] as (typeof manifests)[0]);
  expect(none.get(manifests[0]?.root ?? '')).toBeUndefined();
});

/** A connection of a source that says of itself by the offset of its one frame. */
function line(connections = 1, name = 0) {
  const joined: number[] = [];
  const frames = {
    isSound: true,
    pull: async function* () {
      yield { offset: name, data: Buffer.alloc(0), last: true };
    },
  };
  return { frames, connections, onJoined: () => void joined.push(name), joined };
}

async function offsetsOf(frames: FrameSource): Promise<number[]> {
  return (await collect(frames.pull(KEY.imageId, [], NEVER))).map(({ offset }) => offset);
}

test('a copy and its source wait for one another for a while', async () => {
  const sessions = new PushSessions(WINDOW_BYTES, 30);
  const none = sessions.receive(KEY, 'dcn0', NEVER, async () => 'never');
  expect(await refusalIn(none)).toMatchObject({
    code: 'UNAVAILABLE',
    message: 'store dcn0 did not dial to deliver the image',
  });
  const early = line();
  expect((await refusalIn(sessions.deliver(KEY, early, NEVER))).code).toBe('NOT_FOUND');
  expect(early.joined).toEqual([]);
  // Nothing is left of those: the next attempt to meet succeeds, for the same attempt only.
  const other = sessions.deliver({ ...KEY, attempt: 2 }, line(), NEVER);
  const delivered = sessions.deliver(KEY, line(), NEVER);
  expect((await refusalIn(sessions.deliver(KEY, line(), NEVER))).code).toBe('ALREADY_EXISTS');
  expect(await sessions.receive(KEY, 'dcn0', NEVER, async (frames) => offsetsOf(frames))).toEqual([0]);
  await delivered;
  expect((await refusalIn(other)).code).toBe('NOT_FOUND');
});

test('either side of a delivery may leave', async () => {
  const sessions = new PushSessions(WINDOW_BYTES);
  const leaving = new AbortController();
  const delivery = sessions.deliver(KEY, line(), leaving.signal);
  leaving.abort(new Refusal('CANCELLED', 'the caller has left'));
  expect((await refusalIn(delivery)).code).toBe('CANCELLED');
  const cancelled = new AbortController();
  const copy = sessions.receive(KEY, 'dcn0', cancelled.signal, async () => 'never');
  cancelled.abort(new Refusal('CANCELLED', 'cancelled at the hub'));
  expect((await refusalIn(copy)).message).toBe('cancelled at the hub');
});

test('a source delivers on as many connections as it said at first, and each pull uses an idle one', async () => {
  const sessions = new PushSessions(WINDOW_BYTES);
  const leaving = new AbortController();
  const [first, second] = [line(2, 1), line(2, 2)];
  const deliveries = [sessions.deliver(KEY, first, leaving.signal)];
  // What it says later is not taken for more.
  expect((await refusalIn(sessions.deliver(KEY, line(8), NEVER))).code).toBe('INVALID');
  await sessions.receive(KEY, 'dcn0', NEVER, async (frames) => {
    expect([frames.width, frames.windowBytes]).toEqual([1, WINDOW_BYTES]);
    deliveries.push(sessions.deliver(KEY, second, NEVER));
    // While one pull is answered on a connection, the next is asked for.
    expect(frames.width).toBe(4);
    const third = line(2, 3);
    expect((await refusalIn(sessions.deliver(KEY, third, NEVER))).code).toBe('ALREADY_EXISTS');
    expect([first, second, third].map(({ joined }) => joined)).toEqual([[1], [2], []]);

    const pulls = [1, 2].map(() => frames.pull(KEY.imageId, [], NEVER)[Symbol.asyncIterator]());
    const offsets = [];
    for (const pull of pulls) offsets.push((await pull.next()).value?.offset);
    expect(offsets).toEqual([1, 2]);
    // The first one is over, the second is not.
    expect((await pulls[0]?.next())?.done).toBe(true);
    expect(await offsetsOf(frames)).toEqual([1]);

    // One breaks: the other goes on, and no later one takes its place.
    first.frames.isSound = false;
    leaving.abort(new Refusal('CANCELLED', 'the caller has left'));
    expect((await refusalIn(deliveries[0] as Promise<void>)).code).toBe('CANCELLED');
    expect(frames.width).toBe(1);
    expect(await offsetsOf(frames)).toEqual([2]);
    expect((await refusalIn(sessions.deliver(KEY, line(2), NEVER))).code).toBe('ALREADY_EXISTS');
    second.frames.isSound = false;
    expect(frames.width).toBe(1);
    expect(await offsetsOf(frames)).toEqual([2]);
  });
  await deliveries[1];
});

test('pulls on one delivery are answered in turn, and none after one that was left', async () => {
  const asked: number[] = [];
  const frames = [0, 1, 2, 3].map((chunk) => ({
    frame: { offset: chunk * 4 * 1024 * 1024, data: new Uint8Array(1), last: true },
  }));
  const messages = async function* () {
    yield* frames;
  };
  const pushed = new PushedFrames(
    messages(),
    async ({ runs }) => void asked.push(Number(runs?.[0]?.firstChunk)),
    NEVER,
  );
  const first = pushed.pull(IMAGE_ID, [{ firstChunk: 0, chunkCount: 2 }], NEVER);
  const second = pushed.pull(IMAGE_ID, [{ firstChunk: 2, chunkCount: 1 }], NEVER);
  const [one, two] = await Promise.all([collect(first), collect(second)]);
  expect(asked).toEqual([0, 2]);
  expect([...one, ...two].map(({ offset }) => offset / (4 * 1024 * 1024))).toEqual([0, 1, 2]);
  const left = pushed.pull(IMAGE_ID, [{ firstChunk: 3, chunkCount: 2 }], NEVER);
  await left.next();
  expect(pushed.isSound).toBe(true);
  await left.return(undefined);
  expect(pushed.isSound).toBe(false);
  const after = collect(pushed.pull(IMAGE_ID, [{ firstChunk: 3, chunkCount: 1 }], NEVER));
  expect((await refusalIn(after)).code).toBe('UNAVAILABLE');
});

test('a connection whose delivery has ended is not sound any more', () => {
  const ending = new AbortController();
  const pushed = new PushedFrames((async function* () {})(), async () => {}, ending.signal);
  expect(pushed.isSound).toBe(true);
  ending.abort(new Refusal('CANCELLED', 'the caller has left'));
  expect(pushed.isSound).toBe(false);
});

test('an image is opened once for many readers, and closed when idle', async () => {
  vi.useFakeTimers();
  try {
    const store = new WatchedStore(await storeWith(draw({ chunks: ['full'], missingBytes: 0 })));
    await using images = new OpenImages(store, { idleCloseMs: 10_000 });
    for (let at = 0; at < 3; at++) {
      await using one = await images.open(IMAGE_ID);
      await using two = await images.open(IMAGE_ID);
      expect(one.chunks).toBe(two.chunks);
      await vi.advanceTimersByTimeAsync(20_000);
      expect(store.openImages).toBe(1);
    }
    expect(store.calls.filter((call) => call === 'openWhole')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(store.openImages).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(store.openImages).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test('evicting ends the readers, and waits until the image is closed', async () => {
  const store = new WatchedStore(await storeWith(draw({ chunks: ['full'], missingBytes: 0 })));
  await using images = new OpenImages(store);
  const lease = await images.open(IMAGE_ID);
  const gone = new Refusal('NOT_FOUND', 'gone');
  let evicted = false;
  const evicting = images.evict(IMAGE_ID, gone).then(() => {
    evicted = true;
  });
  expect(lease.signal.reason).toBe(gone);
  await new Promise(setImmediate);
  expect(evicted).toBe(false);
  await lease[Symbol.asyncDispose]();
  await lease[Symbol.asyncDispose]();
  await evicting;
  expect(store.openImages).toBe(0);
  // What could not be opened is not kept either.
  store.around = () => {
    throw gone;
  };
  expect(await refusalIn(images.open(IMAGE_ID))).toBe(gone);
  store.around = () => {};
  await using again = await images.open(IMAGE_ID);
  expect(again.signal.aborted).toBe(false);
});

test('a renewed ticket goes to the attempt it is for, while that is at work', async () => {
  const shown: string[] = [];
  const done = gate();
  const board = new TaskBoard({
    locks: new ImageLocks(),
    now: () => 0,
    tell: () => true,
    observer: {
      started: () => undefined,
      progressed: () => undefined,
      ended: () => undefined,
      ignored: () => undefined,
      inContext: (_assignment, work) => work(),
    },
    perform: async (_assignment, { ticket, traffic }) => {
      shown.push(ticket.text);
      using _listening = ticket.onRenewed((text) => void shown.push(text));
      await done.opened;
      return { outcome: { kind: 'copied', verifiedRoot: '' }, traffic };
    },
  });
  const work = {
    kind: 'copy',
    sizeBytes: 0,
    root: '',
    sourceStoreId: 'central',
    sourceAddress: undefined,
    recordJson: '',
  } as const;
  const assignment = (ticket: string) => ({ ...KEY, jobId: '', requestId: '', work: { ...work, ticket } });
  board.assign(assignment('first'));
  await vi.waitFor(() => expect(shown).toEqual(['first']), { timeout: 10_000 });
  expect(board.renewTicket({ taskId: 'copy-1', attempt: 2 }, 'of a later attempt')).toBe(false);
  expect(board.renewTicket({ taskId: 'copy-2', attempt: 1 }, 'of another task')).toBe(false);
  expect(board.renewTicket(KEY, 'second')).toBe(true);
  // Handed out again by a hub that has come back; one that has none changes nothing.
  board.assign(assignment('third'));
  board.assign(assignment(''));
  expect(shown).toEqual(['first', 'second', 'third']);
  done.open();
  await vi.waitFor(() => expect(board.renewTicket(KEY, 'too late')).toBe(false), { timeout: 10_000 });
});

test('a welcome that is said again changes who is cut off, and nothing else', async () => {
  const revoked: (readonly string[])[] = [];
  const written: string[] = [];
  let unheard = 0;
  const ended = gate();
  const welcome = (revokedStoreIds: string[]) => ({
    welcome: { heartbeatIntervalMs: 60_000, revokedStoreIds },
  });
  const call = {
    messages: (async function* () {
      yield welcome([]);
      yield welcome(['dcn1']);
      await ended.opened;
    })(),
    write: async (message) => void written.push(...Object.keys(message)),
    end: () => ended.open(),
    [Symbol.asyncDispose]: async () => undefined,
  } as AttachCall;
  const attach = new Attach({
    refresh: async () => undefined,
    dial: async () => call,
    inventory: async () => [],
    hello: () => ({}),
    heartbeat: () => ({}),
    unheard: () => {
      unheard += 1;
      return [];
    },
    handle: () => undefined,
    welcomed: ({ revokedStoreIds }) => void revoked.push(revokedStoreIds),
    detached: () => undefined,
    backoff: new Backoff({ minMs: 1, maxMs: 1 }, () => 0),
  });
  const stop = new AbortController();
  const running = attach.run(stop.signal);
  await vi.waitFor(() => expect(revoked).toEqual([[], ['dcn1']]), { timeout: 10_000 });
  expect(unheard).toBe(1);
  expect(written.filter((kind) => kind === 'heartbeat')).toHaveLength(1);
  stop.abort();
  await running;
});
