import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CompressionMode, PackingChoice } from '../../../src/transfer/packing-choice.ts';

interface Situation {
  /** Bytes per second that the link takes, and the receiver. */
  readonly link: number;
  readonly receiver: number;
  /** What the store gives, and what packing does. */
  readonly store: number;
  readonly packing: number;
  /** What is left of the data. */
  readonly ratio: number;
  readonly idle: number | undefined;
}

const MB = 1e6;
const FRAME = 1024 * 1024;
const SLOW_LINK: Situation = {
  link: 20 * MB,
  receiver: 300 * MB,
  store: 400 * MB,
  packing: 400 * MB,
  ratio: 0.4,
  idle: 0.6,
};

/** A stream on a clock of its own, frame by frame, with what takes longest as what it waits for. */
class Stream {
  nowMs = 50_000;
  readonly choice: PackingChoice;
  situation: Situation;
  tries = 0;

  constructor(situation: Situation, mode: CompressionMode = 'auto') {
    this.situation = situation;
    this.choice = new PackingChoice(mode, {
      nowMs: () => this.nowMs,
      idleShare: () => this.situation.idle,
    });
  }

  /** What was decided in each second. */
  run(seconds: number): string[] {
    const told: string[] = [];
    const fromMs = this.nowMs;
    while (this.nowMs < fromMs + seconds * 1000) {
      this.#chunk();
      const second = Math.floor((this.nowMs - fromMs) / 1000);
      while (told.length <= second && told.length < seconds) told.push(this.choice.decision);
    }
    return told;
  }

  #chunk(): void {
    const { link, receiver, store, packing, ratio } = this.situation;
    const packs = this.choice.decision === 'on' && this.choice.triesNext();
    if (packs) {
      this.tries += 1;
      this.choice.tried(ratio <= 0.9);
    }
    const left = packs && ratio <= 0.9 ? ratio : 1;
    const takesMs = {
      store: (FRAME / store) * 1000,
      forLink: Math.max((FRAME * left) / link, FRAME / receiver) * 1000,
      forPacking: packs ? (FRAME / packing) * 1000 : 0,
    };
    const elapsedMs = Math.max(...Object.values(takesMs));
    for (let frame = 0; frame < 4; frame++) {
      this.nowMs += elapsedMs;
      this.choice.spent({
        elapsedMs,
        forLinkMs: elapsedMs === takesMs.forLink ? elapsedMs - takesMs.store / 10 : 0,
        forPackingMs: elapsedMs === takesMs.forPacking ? elapsedMs - takesMs.store / 10 : 0,
        bytes: FRAME,
      });
    }
  }
}

describe('by itself', () => {
  test('packs for a slow link after a second, and goes on', () => {
    const told = new Stream(SLOW_LINK).run(30);
    expect(told[0]).toBe('link-keeps-up');
    expect(told.slice(2)).toEqual(Array.from({ length: 28 }, () => 'on'));
  });

  test.each<[string, Partial<Situation>, string]>([
    ['a link that keeps up', { link: 1000 * MB, receiver: 1000 * MB }, 'link-keeps-up'],
    ['processors that are busy', { idle: 0.19 }, 'processors-busy'],
    ['processors that nobody has looked at', { idle: undefined }, 'link-keeps-up'],
  ])('does not for %s', (_, difference, why) => {
    const told = new Stream({ ...SLOW_LINK, ...difference }).run(30);
    expect(told.slice(2)).toEqual(Array.from({ length: 28 }, () => why));
  });

  test('leaves off when it is what the stream waits for, and tries again later', () => {
    const told = new Stream({ ...SLOW_LINK, packing: 10 * MB }).run(120);
    expect(told).toContain('on');
    expect(told.filter((one) => one === 'on').length).toBeLessThan(12);
    expect(told.at(-1)).toBe('processors-busy');
  });

  test('leaves off when the processors are needed elsewhere, but not for a little less to spare', () => {
    const stream = new Stream(SLOW_LINK);
    stream.run(5);
    stream.situation = { ...SLOW_LINK, idle: 0.1 };
    expect(stream.run(5).at(-1)).toBe('on');
    stream.situation = { ...SLOW_LINK, idle: 0.02 };
    expect(stream.run(5).at(-1)).toBe('processors-busy');
  });

  test('leaves off when it is the receiver that is slow, ever longer', () => {
    const told = new Stream({ ...SLOW_LINK, link: 1000 * MB, receiver: 50 * MB }).run(600);
    expect(told).toContain('on');
    expect(told.filter((one) => one === 'on').length).toBeLessThan(30);
    expect(told.at(-1)).toBe('link-keeps-up');
  });

  test('looks again now and then: the link may be another one, or have stood still', () => {
    const stream = new Stream(SLOW_LINK);
    expect(stream.run(5).at(-1)).toBe('on');
    const fast = { ...SLOW_LINK, link: 1000 * MB, receiver: 1000 * MB, packing: 2000 * MB };
    stream.situation = fast;
    expect(stream.run(70).at(-1)).toBe('link-keeps-up');
    const paused = new Stream(fast);
    paused.nowMs += 86_400_000;
    paused.choice.spent({ elapsedMs: 86_400_000, forLinkMs: 86_400_000, forPackingMs: 0, bytes: FRAME });
    expect(paused.choice.decision).toBe('on');
    expect(paused.run(70).at(-1)).toBe('link-keeps-up');
    const told = new Stream(SLOW_LINK).run(600);
    expect(told.filter((one) => one === 'on').length).toBeGreaterThan(570);
  });

  test('does not take the time between requests for slowness', () => {
    const stream = new Stream({ ...SLOW_LINK, link: 1000 * MB, receiver: 50 * MB });
    for (let request = 0; request < 20; request++) {
      stream.run(4);
      stream.nowMs += 5000;
    }
    expect(stream.run(2).at(-1)).toBe('link-keeps-up');
  });
});

describe('data that does not give way', () => {
  test('is tried ever more seldom', () => {
    const choice = new PackingChoice('on', { nowMs: () => 0, idleShare: () => 1 });
    const tried: number[] = [];
    for (let chunk = 0; chunk < 130; chunk++) {
      if (!choice.triesNext()) continue;
      tried.push(chunk);
      choice.tried(false);
    }
    expect(tried).toEqual([0, 2, 6, 14, 30, 62, 94, 126]);
  });

  test('is packed at once again when one gives way', () => {
    const choice = new PackingChoice('on', { nowMs: () => 0, idleShare: () => 1 });
    for (let chunk = 0; chunk < 62; chunk++) if (choice.triesNext()) choice.tried(false);
    expect(choice.triesNext()).toBe(true);
    choice.tried(true);
    expect([choice.triesNext(), choice.triesNext(), choice.triesNext()]).toEqual([true, true, true]);
  });
});

test('as it is told', () => {
  const never = new Stream(SLOW_LINK, 'off');
  expect(new Set(never.run(10))).toEqual(new Set(['not-wanted']));
  const always = new Stream({ ...SLOW_LINK, link: 1000 * MB, idle: 0 }, 'on');
  expect(new Set(always.run(10))).toEqual(new Set(['on']));
});

test('whatever happens, it does not pack while the processors are busy', () => {
  const situations = fc.record({
    link: fc.integer({ min: 1, max: 1000 }).map((mb) => mb * MB),
    receiver: fc.integer({ min: 20, max: 500 }).map((mb) => mb * MB),
    store: fc.integer({ min: 20, max: 500 }).map((mb) => mb * MB),
    packing: fc.integer({ min: 5, max: 500 }).map((mb) => mb * MB),
    ratio: fc.double({ min: 0.01, max: 1, noNaN: true }),
    idle: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(situations, { minLength: 1, maxLength: 6 }), (all) => {
      const stream = new Stream(SLOW_LINK);
      for (const situation of all) {
        stream.situation = situation;
        const before = stream.choice.decision;
        const told = stream.run(6);
        if ((situation.idle ?? 1) < 0.05) expect(told.at(-1)).not.toBe('on');
        if (before !== 'on' && (situation.idle ?? 0) < 0.2) expect(told).not.toContain('on');
      }
    }),
    { numRuns: 150 },
  );
});
