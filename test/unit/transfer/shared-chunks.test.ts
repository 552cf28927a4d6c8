import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { ReadableImage } from '../../../src/store/store.ts';
import { ChunkSlabs, KEPT_CHUNKS } from '../../../src/transfer/chunk-slabs.ts';
import {
  type HeldChunk,
  READ_AHEAD,
  RECEIVER_READ_AHEAD,
  type StreamOptions,
} from '../../../src/transfer/chunk-stream.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import { PackingChoice } from '../../../src/transfer/packing-choice.ts';
import { sendChunks } from '../../../src/transfer/sender.ts';
import { SharedChunks } from '../../../src/transfer/shared-chunks.ts';
import { unpacked } from '../../../src/transfer/unpack.ts';
import { ZERO_BLOCK_BYTES } from '../../../src/transfer/zeros.ts';

const NEVER = new AbortController().signal;
const GONE = new Refusal('UNAVAILABLE', 'gone');

/** An image whose chunk n is full of n + 1. Reading it can be held up or fail. */
class Image implements ReadableImage {
  readonly sizeBytes: number;
  readonly reads: number[] = [];
  reading = 0;
  before: (chunk: number) => Promise<void> | void = () => {};
  content: (chunk: number, bytes: Buffer) => void = (chunk, bytes) => void bytes.fill(chunk + 1);

  constructor(chunks: number) {
    this.sizeBytes = chunks * CHUNK_BYTES;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    const chunk = offset / CHUNK_BYTES;
    this.reads.push(chunk);
    this.reading += 1;
    try {
      await this.before(chunk);
      this.content(chunk, into as Buffer);
    } finally {
      this.reading -= 1;
    }
  }

  metadata(): never {
    throw new Error('not asked for');
  }

  extents(): never {
    throw new Error('not asked for');
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function setUp(chunkCount: number) {
  const image = new Image(chunkCount);
  const slabs = new ChunkSlabs();
  const told = { read: 0, shared: 0 };
  const chunks = new SharedChunks(image, slabs, (origin) => {
    told[origin] += 1;
  });
  const all = [{ firstChunk: 0, chunkCount }];
  return { image, slabs, told, chunks, all };
}

type Bench = ReturnType<typeof setUp>;

/** Sends all chunks to somebody who takes each frame when `take` lets it; settles with the first byte of each chunk. */
async function send(
  { chunks, all }: Pick<Bench, 'chunks' | 'all'>,
  take: (frame: Frame) => Promise<void> = async () => {},
  { signal = NEVER, ...options }: StreamOptions & { readonly signal?: AbortSignal } = {},
): Promise<number[]> {
  const firstBytes: number[] = [];
  using stream = chunks.stream(all, options);
  const write = async (frame: Frame) => {
    if (frame.last) firstBytes.push(frame.data[0] ?? 0);
    await take(frame);
  };
  await sendChunks(stream, write, { signal });
  return firstBytes;
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, chunk) => chunk + 1);
}

function slabsOf({ slabs }: Bench): number {
  return slabs.bytesInUse / CHUNK_BYTES;
}

/** A lock step: whoever waits goes on when told. */
class Gate {
  #waiting: (() => void)[] = [];
  #open = false;

  async pass(): Promise<void> {
    if (!this.#open) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  open(): void {
    this.#open = true;
    this.one(Number.POSITIVE_INFINITY);
  }

  one(count = 1): void {
    for (const go of this.#waiting.splice(0, count)) go();
  }

  get waiting(): number {
    return this.#waiting.length;
  }
}

describe('two streams of one image', () => {
  test('that begin together read each chunk once', async () => {
    const bench = setUp(30);
    const [one, two] = await Promise.all([send(bench), send(bench)]);
    expect([one, two]).toEqual([upTo(30), upTo(30)]);
    expect(bench.image.reads).toEqual(upTo(30).map((chunk) => chunk - 1));
    expect(bench.told).toEqual({ read: 30, shared: 30 });
    expect(slabsOf(bench)).toBe(0);
  });

  test('one close behind the other gets what that is done with', async () => {
    const bench = setUp(40);
    let ahead = 0;
    const follow = new Gate();
    const second = send(bench, () => follow.pass());
    await send(bench, async ({ last }) => {
      if (!last) return;
      ahead += 1;
      // The second is at its first chunk until the first is three ahead; from then on it keeps so far behind.
      while (ahead > 3 && follow.waiting === 0) await new Promise(setImmediate);
      if (ahead > 3) follow.one();
      for (let turn = 0; turn < 12 && ahead > 3; turn++) {
        await new Promise(setImmediate);
        if (turn % 4 === 3) follow.one();
      }
    });
    follow.open();
    expect(await second).toEqual(upTo(40));
    expect(bench.told.read).toBeLessThanOrEqual(44);
    expect(slabsOf(bench)).toBe(0);
  });

  test('a slow one does not hold up a fast one, and reads for itself', async () => {
    const bench = setUp(60);
    const slow = new Gate();
    const second = send(bench, () => slow.pass());
    while (slow.waiting === 0) await new Promise(setImmediate);
    expect(await send(bench)).toEqual(upTo(60));
    // It stands still: what it holds, and no more.
    expect(slabsOf(bench)).toBeLessThanOrEqual(READ_AHEAD + KEPT_CHUNKS);
    expect(bench.image.reads.length).toBe(60);
    slow.open();
    expect(await second).toEqual(upTo(60));
    expect(bench.image.reads.length).toBeLessThanOrEqual(60 + 60 - READ_AHEAD);
    expect(slabsOf(bench)).toBe(0);
  });

  test('what is kept for one behind is dropped when that leaves', async () => {
    const bench = setUp(30);
    const stop = new AbortController();
    const slow = new Gate();
    const second = send(bench, () => slow.pass(), { signal: stop.signal });
    while (slow.waiting === 0) await new Promise(setImmediate);
    const hold = new Gate();
    let sent = 0;
    const first = send(bench, async ({ last }) => {
      if (last) sent += 1;
      if (sent > 10) await hold.pass();
    });
    while (hold.waiting === 0) await new Promise(setImmediate);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const both = slabsOf(bench);
    expect(both).toBeGreaterThan(2 * READ_AHEAD);
    expect(both).toBeLessThanOrEqual(2 * READ_AHEAD + KEPT_CHUNKS);
    stop.abort(GONE);
    await expect(second).rejects.toBe(GONE);
    expect(slabsOf(bench)).toBe(READ_AHEAD);
    hold.open();
    expect(await first).toEqual(upTo(30));
    expect(slabsOf(bench)).toBe(0);
  });

  test('the one that began a reading may leave: the other gets it', async () => {
    const bench = setUp(10);
    const stop = new AbortController();
    const gate = new Gate();
    bench.image.before = () => gate.pass();
    const first = send(bench, undefined, { signal: stop.signal });
    const second = send(bench);
    while (gate.waiting < READ_AHEAD) await new Promise(setImmediate);
    stop.abort(GONE);
    gate.open();
    await expect(first).rejects.toBe(GONE);
    expect(await second).toEqual(upTo(10));
    expect(bench.image.reads.length).toBe(10);
    expect([slabsOf(bench), bench.image.reading]).toEqual([0, 0]);
  });

  test('a reading that fails is the failure of one of them', async () => {
    const bench = setUp(10);
    let failures = 0;
    bench.image.before = async (chunk) => {
      await new Promise(setImmediate);
      if (chunk === 5 && failures++ === 0) throw GONE;
    };
    const results = await Promise.allSettled([send(bench), send(bench), send(bench)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(bench.image.reads.filter((chunk) => chunk === 5)).toHaveLength(2);
    expect(slabsOf(bench)).toBe(0);
  });

  test('a reading that always fails ends all of them', async () => {
    const bench = setUp(10);
    bench.image.before = (chunk) => {
      if (chunk === 5) throw GONE;
    };
    const results = await Promise.allSettled([send(bench), send(bench), send(bench)]);
    expect(results.map((result) => 'reason' in result && result.reason)).toEqual([GONE, GONE, GONE]);
    expect(slabsOf(bench)).toBe(0);
  });
});

test('streams to one receiver hold no more together, each of them at least one', () => {
  const { chunks, image, slabs } = setUp(400);
  image.before = () => new Promise(() => {});
  const receiver = chunks.receiver('dcn0');
  expect(chunks.receiver('dcn0')).toBe(receiver);
  expect(chunks.receiver(undefined)).not.toBe(chunks.receiver(undefined));
  const takesAll = (stream: { take(): Promise<HeldChunk> | undefined }) => {
    let count = 0;
    while (stream.take() !== undefined) count += 1;
    return count;
  };
  const streams = Array.from({ length: 8 }, (_, index) =>
    chunks.stream([{ firstChunk: index * 50, chunkCount: 50 }], { receiver }),
  );
  expect(streams.map(takesAll)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  for (const stream of streams.splice(4)) stream[Symbol.dispose]();
  const one = chunks.stream([{ firstChunk: 399, chunkCount: 1 }], { receiver });
  expect(takesAll(one)).toBe(1);
  const alone = setUp(400);
  alone.image.before = () => new Promise(() => {});
  const counts = (count: number) => {
    const other = alone.chunks.receiver(`${count}`);
    const own = Array.from({ length: count }, (_, index) =>
      alone.chunks.stream([{ firstChunk: index * 50, chunkCount: 50 }], { receiver: other }),
    );
    return own.map(takesAll);
  };
  expect([counts(1), counts(2), counts(4)]).toEqual([[4], [4, 4], [2, 2, 2, 2]]);
  expect(slabs.bytesInUse / CHUNK_BYTES).toBeLessThanOrEqual(RECEIVER_READ_AHEAD + 1);
});

test('streams that come one after the other hold one chunk each beyond the bound', () => {
  const { chunks, image, slabs } = setUp(400);
  image.before = () => new Promise(() => {});
  const receiver = chunks.receiver('dcn0');
  for (let index = 0; index < 6; index++) {
    const stream = chunks.stream([{ firstChunk: index * 50, chunkCount: 50 }], { receiver });
    while (stream.take() !== undefined);
  }
  expect(slabs.bytesInUse / CHUNK_BYTES).toBe(RECEIVER_READ_AHEAD + 4);
});

test('a receiver that asks for a chunk at a time gets what another one close before it is done with', async () => {
  const bench = setUp(24);
  const [first, second] = ['dcn0', 'dcn1'].map((storeId) => bench.chunks.receiver(storeId));
  const ask = async (chunk: number, receiver: typeof first) => {
    const { chunks } = bench;
    const all = [{ firstChunk: chunk, chunkCount: 1 }];
    expect(await send({ chunks, all }, undefined, receiver && { receiver })).toEqual([chunk + 1]);
  };
  // Something is always asked for, as by a receiver with several connections.
  using _other = bench.chunks.stream([{ firstChunk: 23, chunkCount: 1 }]);
  await Promise.all([ask(0, first), ask(0, second)]);
  for (let chunk = 1; chunk < 24; chunk++) {
    await ask(chunk, first);
    if (chunk > 3) await ask(chunk - 3, second);
  }
  expect(bench.told).toEqual({ read: 24, shared: 21 });
  expect(slabsOf(bench)).toBeLessThanOrEqual(KEPT_CHUNKS);
  _other[Symbol.dispose]();
  expect(slabsOf(bench)).toBe(0);
});

test('nothing is kept for another stream to the same receiver: that asks for other chunks', async () => {
  const bench = setUp(40);
  const receiver = bench.chunks.receiver('dcn0');
  using behind = bench.chunks.stream([{ firstChunk: 0, chunkCount: 1 }], { receiver });
  expect(behind.next).toBe(0);
  let most = 0;
  const take = async () => {
    most = Math.max(most, slabsOf(bench));
  };
  expect(await send(bench, take, { receiver })).toEqual(upTo(40));
  expect(most).toBe(READ_AHEAD);
  expect(slabsOf(bench)).toBe(0);
});

describe('a chunk that is packed', () => {
  const eager = () => new PackingChoice('on', { nowMs: () => 0, idleShare: () => 1 });

  async function packedSend({ chunks, all }: Bench, packing = eager()) {
    using stream = chunks.stream(all);
    const frames: Frame[] = [];
    await sendChunks(stream, async (frame) => void frames.push(frame), { signal: NEVER, packing });
    return frames;
  }

  test('is packed once for all streams, and is what it was', async () => {
    const bench = setUp(6);
    const [one, two] = await Promise.all([packedSend(bench), packedSend(bench)]);
    expect(one).toEqual(two);
    const lengths: number[] = [];
    const plain: Frame[] = [];
    const source = (async function* () {
      yield* one;
    })();
    for await (const frame of unpacked(source, (bytes) => lengths.push(bytes))) plain.push(frame);
    expect(lengths.reduce((sum, length) => sum + length)).toBeLessThan(CHUNK_BYTES / 10);
    const sum = createHash('sha256');
    for (const { data } of plain) sum.update(data);
    const wanted = createHash('sha256');
    for (const byte of upTo(6)) wanted.update(Buffer.alloc(CHUNK_BYTES, byte));
    expect(sum.digest('hex')).toBe(wanted.digest('hex'));
    expect(one.filter(({ last }) => last).map(({ compression }) => compression)).toEqual(
      Array.from({ length: 6 }, () => 'on'),
    );
    expect(slabsOf(bench)).toBe(0);
  });

  test('is never packed again when it did not give way, also not for another receiver', async () => {
    const bench = setUp(9);
    const noise = randomBytes(CHUNK_BYTES);
    bench.image.content = (chunk, bytes) => void (chunk % 4 === 1 ? noise.copy(bytes) : bytes.fill(3));
    const tried: boolean[][] = [];
    for (let receiver = 0; receiver < 3; receiver++) {
      const choice = eager();
      const outcomes: boolean[] = [];
      const told = choice.tried.bind(choice);
      choice.tried = (gaveWay) => {
        outcomes.push(gaveWay);
        told(gaveWay);
      };
      const frames = await packedSend(bench, choice);
      const plain = frames.filter(({ last, unpackedBytes }) => last && unpackedBytes === undefined);
      for (const { compression } of plain) expect(compression).toBe('data-does-not-give-way');
      tried.push(outcomes);
    }
    expect(tried[0]?.filter((gaveWay) => !gaveWay).length).toBeGreaterThan(0);
    // What the first one tried in vain nobody tries; what it left out somebody may.
    const inVain = tried.flat().filter((gaveWay) => !gaveWay).length;
    expect(inVain).toBeLessThanOrEqual(2);
  });

  test('keeps its memory until that is done, also when its stream has left', async () => {
    const bench = setUp(8);
    bench.image.content = (chunk, bytes) => {
      for (let at = 0; at < bytes.length; at += 4096) bytes.fill(chunk + at / 4096, at, at + 4096);
    };
    const stop = new AbortController();
    using stream = bench.chunks.stream(bench.all);
    let written = 0;
    const sending = sendChunks(
      stream,
      async () => {
        if (++written === 5) stop.abort(GONE);
      },
      { signal: stop.signal, packing: eager() },
    );
    await expect(sending).rejects.toBe(GONE);
    expect(slabsOf(bench)).toBe(0);
  });
});

test('whatever their speeds, all streams get all chunks, in bounded memory, and nobody reads more often than alone', async () => {
  const plan = fc.record({
    delays: fc.array(fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
    starts: fc.array(fc.nat(12), { minLength: 4, maxLength: 4 }),
    leaving: fc.array(fc.option(fc.nat(40)), { minLength: 4, maxLength: 4 }),
    failing: fc.array(fc.nat(19), { maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ delays, starts, leaving, failing }) => {
      const bench = setUp(20);
      const toFail = new Set(failing);
      bench.image.before = async (chunk) => {
        await new Promise(setImmediate);
        if (toFail.delete(chunk)) throw GONE;
      };
      bench.image.content = (chunk, bytes) => void bytes.fill(0).fill(chunk + 1, 0, ZERO_BLOCK_BYTES);
      let most = 0;
      const streams = delays.map(async (own, index) => {
        for (let turn = 0; turn < (starts[index] ?? 0); turn++) await new Promise(setImmediate);
        const stop = new AbortController();
        let count = 0;
        const take = async () => {
          most = Math.max(most, slabsOf(bench));
          const turns = own[count++ % own.length] ?? 0;
          for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
          if (count === leaving[index]) stop.abort(GONE);
        };
        return await send(bench, take, { signal: stop.signal });
      });
      const results = await Promise.allSettled(streams);
      for (const result of results) {
        if (result.status === 'fulfilled') expect(result.value).toEqual(upTo(20));
        else expect(result.reason).toBe(GONE);
      }
      const left = leaving.slice(0, delays.length).filter((at) => at !== null && at > 0 && at <= 20).length;
      const rejected = results.filter(({ status }) => status === 'rejected').length;
      expect(rejected).toBeLessThanOrEqual(left + toFailCount(failing));
      expect(most).toBeLessThanOrEqual(delays.length * READ_AHEAD + KEPT_CHUNKS);
      expect(bench.image.reads.length).toBeLessThanOrEqual(20 * delays.length);
      expect([slabsOf(bench), bench.image.reading]).toEqual([0, 0]);
    }),
    { numRuns: 60 },
  );
});

function toFailCount(failing: readonly number[]): number {
  return new Set(failing).size;
}

test('one behind by more than is kept finds as many as are kept', async () => {
  const bench = setUp(64);
  const follow = new Gate();
  const second = send(bench, async ({ last }) => {
    if (last) await follow.pass();
  });
  let sent = 0;
  const lead = new Gate();
  const first = send(bench, async ({ last }) => {
    // From here on they are as fast as each other, so many chunks apart.
    if (last && ++sent > 2 * KEPT_CHUNKS) await lead.pass();
  });
  while (lead.waiting === 0) await new Promise(setImmediate);
  let isDone = false;
  void Promise.all([first, second]).then(() => {
    isDone = true;
  });
  while (!isDone) {
    lead.one();
    follow.one();
    for (let turn = 0; turn < 8; turn++) await new Promise(setImmediate);
  }
  expect(await second).toEqual(upTo(64));
  expect(bench.told.shared).toBeGreaterThanOrEqual(2 * KEPT_CHUNKS);
  expect(slabsOf(bench)).toBe(0);
});

test('what is kept in vain makes room after a while', () => {
  let nowMs = 0;
  const slabs = new ChunkSlabs(() => nowMs);
  const image = {};
  const dropped: number[] = [];
  const keep = (index: number) => slabs.keep({ image, drop: () => void dropped.push(index) });
  for (let index = 0; index < KEPT_CHUNKS; index++) keep(index);
  nowMs = 999;
  keep(100);
  expect(dropped).toEqual([100]);
  nowMs = 1000;
  keep(101);
  expect(dropped).toEqual([100, 0]);
});

test('two images share what is kept', async () => {
  const slabs = new ChunkSlabs();
  const [one, two] = [new Image(40), new Image(40)].map((image) => new SharedChunks(image, slabs));
  const all = [{ firstChunk: 0, chunkCount: 40 }];
  const stop = new AbortController();
  const gate = new Gate();
  const behind = [one, two].map((chunks) =>
    send({ chunks: chunks as SharedChunks, all }, () => gate.pass(), { signal: stop.signal }),
  );
  while (gate.waiting < 2) await new Promise(setImmediate);
  const hold = new Gate();
  const before = [one, two].map((chunks) => {
    let sent = 0;
    return send({ chunks: chunks as SharedChunks, all }, async ({ last }) => {
      if (last && ++sent > 12) await hold.pass();
    });
  });
  while (hold.waiting < 2) await new Promise(setImmediate);
  expect(slabs.bytesInUse / CHUNK_BYTES).toBeLessThanOrEqual(4 * READ_AHEAD + KEPT_CHUNKS);
  stop.abort(GONE);
  await Promise.allSettled(behind);
  hold.open();
  expect(await Promise.all(before)).toEqual([upTo(40), upTo(40)]);
  expect(slabs.bytesInUse).toBe(0);
});
