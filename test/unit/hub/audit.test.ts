import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { Caller } from '../../../src/domain/rules/rights.ts';
import { Audit } from '../../../src/hub/audit.ts';
import { Daily } from '../../../src/hub/daily.ts';
import { Events, Images, Operators, Stores } from '../../../src/rpc/proto.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { withFields } from '../../../src/telemetry/request-context.ts';
import { Scratch } from '../catalogue/scratch.ts';
import { refusalOf, TestHub } from './test-hub.ts';

const DAY_MS = 86_400_000;

describe('what was refused', () => {
  let scratch: Scratch;
  let audit: Audit;
  let clockMs: number;
  let lines: string[];
  beforeEach(() => {
    scratch = new Scratch();
    clockMs = 0;
    lines = [];
    const target = { write: (line: string) => void lines.push(line) };
    const log = createLoggers({ component: 'hub', level: 'info', target }).catalogue;
    audit = new Audit(scratch.catalogue, log, () => clockMs);
  });
  afterEach(() => scratch[Symbol.dispose]());

  const ALICE: Caller = { kind: 'operator', name: 'alice', role: 'reader' };
  const refuse = (caller: Caller, refusal = new Refusal('FORBIDDEN', 'no')) =>
    audit.refused({ caller, peer: '192.0.2.1:5', method: '/a/B', requestId: 'r-1', refusal });
  const written = () => scratch.catalogue.events.list({ limit: 1000 });

  test('of a flood from one is not all written down, and hides nobody else', () => {
    for (let n = 0; n < 5000; n++) refuse(ALICE);
    expect(written()).toHaveLength(100);
    refuse({ kind: 'store', storeId: 'dcn0' });
    expect(written()).toHaveLength(101);
    clockMs += 3_600_000;
    for (let n = 0; n < 5000; n++) refuse(ALICE);
    expect(written()).toHaveLength(201);
  });

  test('in a day of refusals stays below ten thousand', () => {
    for (let second = 0; second < 86_400; second += 5) {
      clockMs = second * 1000;
      refuse(ALICE);
    }
    expect(scratch.catalogue.events.list({ limit: 100_000 }).length).toBeLessThan(10_000);
  });

  test('of somebody who showed nothing is not; of somebody who showed something bad it is', () => {
    const nobody: Caller = { kind: 'nobody' };
    refuse(nobody, new Refusal('UNAUTHENTICATED', 'x needs y, and the caller showed no identity'));
    refuse(nobody, new Refusal('RATE_LIMITED', 'too much'));
    expect(written()).toHaveLength(0);
    refuse(nobody, new Refusal('UNAUTHENTICATED', 'the certificate has expired'));
    expect(written()).toMatchObject([{ kind: 'request.refused', outcome: 'UNAUTHENTICATED' }]);
  });

  test('is kept short, whatever the caller sent', () => {
    refuse(ALICE, new Refusal('FORBIDDEN', 'x'.repeat(100_000)));
    expect(JSON.stringify(written()).length).toBeLessThan(2000);
  });

  test('while the disk is full is refused all the same, and that is logged once', () => {
    const { catalogue } = scratch;
    const full = () => {
      throw new Error('database or disk is full');
    };
    for (let time = 1; time <= 2; time++) {
      Object.assign(catalogue, { transact: full });
      refuse(ALICE);
      refuse(ALICE);
      expect(lines).toHaveLength(time);
      expect(lines.at(-1)).toContain('disk is full');
      Reflect.deleteProperty(catalogue, 'transact');
      refuse(ALICE);
      expect(written()).toHaveLength(time);
    }
  });
});

describe('events', () => {
  let hub: TestHub;
  let skewMs: number;
  beforeEach(async () => {
    skewMs = 0;
    hub = await TestHub.start({ now: () => Date.now() + skewMs, config: { audit_keep_days: 7 } });
  });
  afterEach(() => hub[Symbol.asyncDispose]());

  test('tell who did what, when, from where, by which request, and how it ended', async () => {
    const alice = await hub.addOperator('alice', 'member');
    const beforeMs = Date.now();
    const { id: imageId } = await withFields({ requestId: 'my-request' }, () =>
      hub.call(alice, Images.Create, { name: 'x' }),
    );
    const [event] = await hub.events({ imageId });
    expect(event).toMatchObject({
      kind: 'image.created',
      actor: 'operator/alice',
      requestId: 'my-request',
      outcome: 'done',
      imageId,
    });
    expect(event?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(event?.atMs).toBeGreaterThanOrEqual(beforeMs);
    await refusalOf(
      withFields({ requestId: 'my-refusal' }, () => hub.call(alice, Stores.Add, { id: 'dcn0' })),
    );
    const refused = (await hub.events({ actor: 'operator/alice' })).at(-1);
    expect(refused).toMatchObject({
      kind: 'request.refused',
      actor: 'operator/alice',
      requestId: 'my-refusal',
      outcome: 'FORBIDDEN',
    });
    expect(refused?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(JSON.parse(refused?.detailJson ?? '')).toMatchObject({
      method: Stores.Add.path,
      code: 'FORBIDDEN',
    });
  });

  test('are found by time, image, store and actor, a page at a time', async () => {
    const admin = await hub.admin();
    await hub.addStore('dcn0');
    await hub.addStore('dcn1');
    skewMs = 1000;
    const sinceMs = Date.now() + skewMs;
    const { id: imageId } = await hub.call(admin, Images.Create, { name: 'x' });
    const list = async (filter: object) => hub.call(admin, Events.List, filter);
    expect((await list({ imageId })).events).toHaveLength(1);
    const ofStore = (await list({ storeId: 'dcn1' })).events;
    expect(new Set(ofStore.map(({ storeId }) => storeId))).toEqual(new Set(['dcn1']));
    expect((await list({ sinceMs })).events.map(({ kind }) => kind)).toEqual(['image.created']);
    expect((await list({ actor: 'operator/nemo' })).events).toEqual([]);
    const all = (await list({ limit: 1000 })).events;
    const paged = [];
    for (let afterSequence = 0, hasMore = true; hasMore; ) {
      const page = await list({ limit: 2, afterSequence });
      expect(page.events.length).toBeLessThanOrEqual(2);
      paged.push(...page.events);
      hasMore = page.hasMore;
      afterSequence = page.events.at(-1)?.sequence ?? 0;
    }
    expect(paged.map(({ sequence }) => sequence)).toEqual(all.map(({ sequence }) => sequence));
    expect(await refusalOf(list({ limit: 1001 }))).toMatchObject({ code: 'INVALID' });
    expect(await refusalOf(list({ imageId: 'x' }))).toMatchObject({ code: 'INVALID' });
  });

  test('are for readers and admins', async () => {
    const rita = await hub.addOperator('rita', 'reader');
    const alice = await hub.addOperator('alice', 'member');
    expect((await hub.call(rita, Events.List, {})).events.length).toBeGreaterThan(0);
    expect(await refusalOf(hub.call(alice, Events.List, {}))).toMatchObject({ code: 'FORBIDDEN' });
  });

  test('are forgotten after the days that are configured', async () => {
    await hub.addStore('dcn0');
    expect((await hub.events()).length).toBeGreaterThan(3);
    await hub.down();
    skewMs = 8 * DAY_MS;
    await hub.up();
    expect((await hub.events()).map(({ kind, actor }) => ({ kind, actor }))).toEqual([
      { kind: 'events.pruned', actor: 'hub' },
    ]);
  });
});

test('credentials are forgotten thirty days after they ended', async () => {
  let skewMs = 0;
  await using hub = await TestHub.start({ now: () => Date.now() + skewMs });
  await hub.addOperator('ci', 'reader');
  await hub.tokenOf('ci', 60);
  const kinds = async () => {
    const { operators } = await hub.call(await hub.admin(), Operators.List, {});
    return operators.find(({ name }) => name === 'ci')?.credentials.map(({ kind }) => kind);
  };
  for (const [days, left] of [
    [29, ['certificate', 'token']],
    [31, ['certificate']],
  ] as const) {
    skewMs = days * DAY_MS;
    await hub.down();
    await hub.up();
    expect(await kinds()).toEqual(left);
  }
});

test('a chore that fails does not keep the others from being done', async () => {
  const lines: string[] = [];
  const target = { write: (line: string) => void lines.push(line) };
  let done = 0;
  using daily = new Daily(
    {
      failing: () => {
        throw new Error('it broke');
      },
      working: () => void done++,
    },
    createLoggers({ component: 'hub', level: 'info', target }).main,
  );
  await daily.start();
  expect(done).toBe(1);
  expect(lines.join('')).toContain('failing failed');
});
