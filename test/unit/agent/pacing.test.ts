import { beforeEach, describe, expect, test } from 'vitest';
import type { JobTerms, PaceTerms } from '../../../src/agent/messages.ts';
import { type PacedStream, Pacing, type StreamUse } from '../../../src/agent/pacing.ts';
import { ToldLimits } from '../../../src/agent/told-limits.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { Pacer } from '../../../src/pacing/pacer.ts';
import { FakeClock } from '../pacing/fake-clock.ts';

const MIB = 1024 * 1024;
const DOWNLOAD: StreamUse = { toStoreId: undefined, jobId: undefined };

/** What a bucket lets pass beyond its rate: 0.1 s of it, and four takes. */
const slack = (rate: number) => rate / 10 + 4 * MIB;

let clock: FakeClock;
let pacing: Pacing;
let unread: string[];
let waited: { lane: string; seconds: number }[];

/** The agent of central. */
beforeEach(() => {
  clock = new FakeClock();
  unread = [];
  waited = [];
  pacing = new Pacing({
    storeId: 'central',
    clock,
    onUnread: (id, { code }) => void unread.push(`${id}: ${code}`),
    onWaited: (lane, seconds) => void waited.push({ lane, seconds }),
  });
});

/** As the hub writes it: `dcn0 5M`, `dcn0 paused`, `job-1 5M demand`. */
function terms(words: readonly string[]): PaceTerms {
  const rate = words.find((word) => /^\d/.test(word)) ?? '';
  return { rate, paused: words.includes('paused') };
}

function told(stores: string, jobs = ''): void {
  const rows = (text: string) => (text === '' ? [] : text.split(', ').map((row) => row.split(' ')));
  const lane = (words: readonly string[]): JobTerms['lane'] =>
    words.includes('demand') ? 'demand' : words.includes('background') ? 'background' : 'normal';
  pacing.heed({
    stores: new Map(rows(stores).map(([id = '', ...words]) => [id, terms(words)])),
    jobs: new Map(rows(jobs).map(([id = '', ...words]) => [id, { ...terms(words), lane: lane(words) }])),
  });
}

/** Takes a MiB after the other, and counts them. */
class Sending {
  sentBytes = 0;
  refusal: Refusal | undefined;
  readonly stop = new AbortController();
  readonly #stream: PacedStream;

  constructor(toStoreId: string | undefined, jobId?: string, limitMib = 4000) {
    this.#stream = pacing.stream({ toStoreId, jobId });
    void this.#run(limitMib);
  }

  async #run(limitMib: number): Promise<void> {
    try {
      for (let count = 0; count < limitMib; count++) {
        await this.#stream.take(MIB, this.stop.signal);
        this.sentBytes += MIB;
        // What a socket costs, so that one without a limit does not take all of a test.
        await new Promise<void>((resolve) => void clock.after(5, resolve));
      }
    } catch (error) {
      this.refusal = Refusal.from(error);
    } finally {
      this.#stream[Symbol.dispose]();
    }
  }

  /** What is sent in so many seconds from now. */
  async over(seconds: number): Promise<number> {
    const before = this.sentBytes;
    await clock.pass(seconds * 1000);
    return this.sentBytes - before;
  }
}

function expectRate(bytes: number, mibPerSecond: number, seconds: number): void {
  expect(bytes).toBeLessThanOrEqual(mibPerSecond * MIB * seconds + slack(mibPerSecond * MIB));
  expect(bytes).toBeGreaterThanOrEqual(mibPerSecond * MIB * (seconds - 1) - MIB);
}

describe('the rate', () => {
  test('of the own store is for all it sends together', async () => {
    told('central 10M');
    const streams = [new Sending('dcn0', 'job-1'), new Sending('dcn1', 'job-2'), new Sending(undefined)];
    await clock.pass(10_000);
    expectRate(
      streams.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
      10,
      10,
    );
    for (const { sentBytes } of streams) expect(sentBytes).toBeGreaterThan(25 * MIB);
  });

  test('of another store is for what is sent there', async () => {
    told('dcn0 2M');
    const slow = [new Sending('dcn0'), new Sending('dcn0')];
    const others = [new Sending('dcn1'), new Sending(undefined)];
    await clock.pass(10_000);
    expectRate(
      slow.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
      2,
      10,
    );
    for (const { sentBytes } of others) expect(sentBytes).toBeGreaterThan(1000 * MIB);
  });

  test('of a job is for its streams, wherever they go', async () => {
    told('', 'job-1 2M');
    const slow = [new Sending('dcn0', 'job-1'), new Sending('dcn1', 'job-1')];
    const other = new Sending('dcn0', 'job-2');
    await clock.pass(10_000);
    expectRate(
      slow.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
      2,
      10,
    );
    expect(other.sentBytes).toBeGreaterThan(1000 * MIB);
  });

  test('is the lowest of all that apply, and may change at any moment', async () => {
    told('central 20M, dcn0 10M', 'job-1 5M');
    const sending = new Sending('dcn0', 'job-1');
    expectRate(await sending.over(5), 5, 5);
    told('central 20M, dcn0 10M');
    expectRate(await sending.over(5), 10, 5);
    told('central 20M');
    expectRate(await sending.over(5), 20, 5);
    told('');
    expect(await sending.over(5)).toBeGreaterThan(500 * MIB);
  });

  test('follows its timetable, in time with the clock', async () => {
    clock.epochOffsetMs = Date.UTC(2026, 10, 20, 7, 59, 50);
    const stores = new Map([['dcn0', { rate: 'Mon-Fri 08:00 2M, 18:00 20M', paused: false }]]);
    pacing.heed({ stores, jobs: new Map() });
    const sending = new Sending('dcn0');
    expectRate(await sending.over(9.9), 20, 9.9);
    await clock.pass(100);
    expectRate(await sending.over(10), 2, 10);
  });

  test('outlives the streams: who comes next pays for who was before', async () => {
    told('dcn0 1M');
    let sentBytes = 0;
    const use = { toStoreId: 'dcn0', jobId: undefined };
    const one = async () => {
      for (let count = 0; count < 1000; count++) {
        using stream = pacing.stream(use);
        await stream.take(MIB, new AbortController().signal);
        sentBytes += MIB;
      }
    };
    void one();
    await clock.pass(30_000);
    expectRate(sentBytes, 1, 30);
  });

  test('that cannot be read leaves the one before, and is told once', async () => {
    told('dcn0 2M');
    const sending = new Sending('dcn0');
    await clock.pass(1000);
    told('dcn0 2Mbit');
    told('dcn0 2Mbit');
    expect(unread).toEqual(['dcn0: INVALID']);
    expectRate(await sending.over(10), 2, 10);
    told('dcn0 4M');
    expectRate(await sending.over(10), 4, 10);
  });
});

describe('a pause', () => {
  test.each([
    ['of the own store holds everything', 'central paused', '', [0, 0, 0]],
    ['of another store holds what goes there', 'dcn0 paused', '', [0, 1, 1]],
    ['of a job holds its streams', '', 'job-2 paused', [1, 0, 1]],
    ['holds also where there is a rate', 'dcn0 5M paused', '', [0, 1, 1]],
  ] as const)('%s', async (_, stores, jobs, expected) => {
    const streams = [new Sending('dcn0', 'job-1'), new Sending('dcn1', 'job-2'), new Sending(undefined)];
    await clock.pass(100);
    told(stores, jobs);
    const before = streams.map(({ sentBytes }) => sentBytes);
    await clock.pass(2000);
    expect(streams.map(({ sentBytes }, at) => Number(sentBytes > (before[at] ?? 0)))).toEqual(expected);
    told('');
    await clock.pass(1000);
    for (const [at, { sentBytes }] of streams.entries()) expect(sentBytes).toBeGreaterThan(before[at] ?? 0);
  });

  test('that comes with another rate lets nothing pass', async () => {
    told('dcn0 1M');
    const sending = new Sending('dcn0');
    await clock.pass(5000);
    told('dcn0 paused');
    expect(await sending.over(3600)).toBe(0);
    told('dcn0 2M');
    expectRate(await sending.over(10), 2, 10);
  });

  test('lasts as long as it lasts, and costs nothing meanwhile', async () => {
    told('dcn0 paused');
    const sending = new Sending('dcn0');
    await clock.pass(1);
    const { woken } = clock;
    expect(await sending.over(72 * 3600)).toBe(0);
    expect(clock.woken).toBe(woken);
    expect(pacing.waiting).toBe(1);
  });

  test('does not hold who is to end', async () => {
    told('dcn0 paused');
    const sending = new Sending('dcn0');
    await clock.pass(1000);
    sending.stop.abort(new Refusal('CANCELLED', 'cancelled at the hub'));
    await clock.pass(0);
    expect(sending.refusal?.message).toBe('cancelled at the hub');
    expect(pacing.waiting).toBe(0);
  });
});

describe('a lane', () => {
  test('comes before another, and one may be raised while it waits', async () => {
    told('central 10M', 'job-1 background');
    const placed = new Sending('dcn0', 'job-1');
    const usual = new Sending('dcn1', 'job-2');
    await clock.pass(10_000);
    expect(placed.sentBytes).toBeLessThan(usual.sentBytes / 4);
    told('central 10M', 'job-1 demand');
    const [before, wanted] = [usual.sentBytes, await placed.over(10)];
    expect(wanted).toBeGreaterThan(4 * (usual.sentBytes - before));
  });

  test('is that of the wait when it is counted', async () => {
    told('dcn0 paused', 'job-1 background');
    const sending = new Sending('dcn0', 'job-1', 1);
    await clock.pass(4000);
    told('dcn0 paused', 'job-1 demand');
    await clock.pass(1000);
    told('', 'job-1 demand');
    await clock.pass(0);
    expect(sending.sentBytes).toBe(MIB);
    expect(waited).toEqual([{ lane: 'demand', seconds: 5 }]);
  });
});

test('tells which stores have a limit now', async () => {
  expect(pacing.storeRates()).toEqual([]);
  told('central 10M, dcn0 2M, dcn1 paused, dcn2 1M');
  new Sending('dcn0', undefined, 1);
  new Sending('dcn1', undefined, 1);
  new Sending('dcn3', undefined, 1);
  await clock.pass(5000);
  const rates = pacing.storeRates().map(({ storeId, bytesPerSecond }) => [storeId, bytesPerSecond / MIB]);
  expect(rates).toEqual([
    ['central', 10],
    ['dcn0', 2],
    ['dcn1', 0],
  ]);
});

test('keeps no limit that nobody uses', () => {
  const streams = Array.from({ length: 8 }, (_, at) =>
    pacing.stream({ toStoreId: `dcn${at}`, jobId: `job-${at}` }),
  );
  expect(pacing.size).toBe(17);
  for (const stream of streams) stream[Symbol.dispose]();
  for (const stream of streams) stream[Symbol.dispose]();
  expect(pacing.size).toBe(1);
});

test('keeps a limit while it is used, or told of', () => {
  const pacer = new Pacer({ clock });
  const limits = new ToldLimits({ clock, makeLimit: () => pacer.limit(), onUnread: () => undefined });
  const tell = (...ids: string[]) =>
    limits.tell(new Map(ids.map((id) => [id, { rate: '1M, 12:00 2M', paused: false }])));
  const use = () => limits.use('dcn0');
  tell('dcn1');
  expect(limits.size).toBe(0);
  const [one, two] = [use(), use()];
  expect(two.limit).toBe(one.limit);
  one[Symbol.dispose]();
  expect(limits.size).toBe(1);
  two[Symbol.dispose]();
  expect(limits.size).toBe(0);
  tell('dcn0');
  use()[Symbol.dispose]();
  expect([limits.size, clock.timers]).toEqual([1, 1]);
  const last = use();
  tell();
  expect([limits.size, clock.timers]).toEqual([1, 0]);
  last[Symbol.dispose]();
  expect(limits.size).toBe(0);
});

test('follows nothing any more once it is disposed of', () => {
  told('dcn0 1M');
  const stores = new Map([
    ['central', { rate: '1M, 12:00 2M', paused: false }],
    ['dcn0', { rate: '1M, 12:00 2M', paused: false }],
  ]);
  pacing.stream({ ...DOWNLOAD, toStoreId: 'dcn0' });
  pacing.heed({ stores, jobs: new Map() });
  expect(clock.timers).toBe(2);
  pacing[Symbol.dispose]();
  expect(clock.timers).toBe(0);
});
