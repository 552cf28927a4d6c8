import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RevokedStores } from '../../../src/agent/revoked-stores.ts';
import { TicketDesk, type TicketUse } from '../../../src/agent/tickets.ts';
import { Refusal, type RefusalCode } from '../../../src/domain/refusal.ts';
import type { TicketRefusal } from '../../../src/telemetry/agent-metrics.ts';
import { HUB, type Identity } from '../../../src/trust/identity.ts';
import { TICKET_LIFETIME_MS, type Ticket, TicketIssuer } from '../../../src/trust/ticket.ts';
import { TestAuthority } from '../../trust/test-authority.ts';

const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
const OTHER = '5b1d7e02-93f4-4c68-8a2b-1f7c9d3e6a44';
const DCN0: Identity = { kind: 'store', storeId: 'dcn0' };
const DCN1: Identity = { kind: 'store', storeId: 'dcn1' };
const MINUTE_MS = 60_000;

const authority = await TestAuthority.create();
const hub = new TicketIssuer(await authority.credentials(HUB));
const agent = new TicketIssuer(await authority.credentials(DCN0));
const otherCloud = await TestAuthority.create('another cloud');
const otherHub = new TicketIssuer(await otherCloud.credentials(HUB));

function certificate(letter: string, notBeforeMs = 1000) {
  return { fingerprint: letter.repeat(64), notBeforeMs };
}

const PULL: TicketUse = {
  action: 'pull',
  imageId: IMAGE,
  holder: DCN0,
  certificate: certificate('a'),
  peer: '10.0.0.1:1000',
};
/** Connections that one ticket is good for. */
const CONNECTIONS = 8;

let revoked: RevokedStores;
let refused: TicketRefusal[];
let cutOff: string[];
let desk: TicketDesk;

beforeEach(() => {
  vi.useFakeTimers();
  refused = [];
  cutOff = [];
  revoked = new RevokedStores(Date.now, (storeId) => void cutOff.push(storeId));
  desk = new TicketDesk({
    storeId: 'central',
    caPem: authority.caPem,
    revoked,
    now: Date.now,
    onRefused: (reason) => void refused.push(reason),
  });
});
afterEach(() => void vi.useRealTimers());

/** A ticket for dcn0 to pull the image from central, but for what is given. */
function ticket(given: Partial<Ticket> = {}, by = hub, nowMs = Date.now()): string {
  const pull = { imageId: IMAGE, action: 'pull', holder: DCN0, atStoreId: 'central' } as const;
  return by.issue({ taskId: 'copy-1', attempt: 1, ...pull, ...given }, nowMs);
}

function refusalOf(work: () => unknown): Refusal {
  try {
    work();
  } catch (error) {
    return Refusal.from(error);
  }
  throw new Error('expected a Refusal');
}

function tamper(text: string): string {
  const [payload = '', ...rest] = text.split('.');
  const changed = Buffer.from(payload, 'base64url').toString().replaceAll(IMAGE, OTHER);
  return [Buffer.from(changed).toString('base64url'), ...rest].join('.');
}

interface Case {
  readonly text?: () => string;
  readonly use?: Partial<TicketUse>;
  readonly is: readonly [TicketRefusal, RefusalCode, string];
}

const REFUSED: Readonly<Record<string, Case>> = {
  'no ticket': { text: () => '', is: ['missing', 'UNAUTHENTICATED', 'a ticket of the hub is needed'] },
  'something else': { text: () => 'a.b.c', is: ['unsound', 'UNAUTHENTICATED', 'holds no certificate'] },
  'one that was changed': {
    text: () => tamper(ticket()),
    use: { imageId: OTHER },
    is: ['unsound', 'UNAUTHENTICATED', 'was changed'],
  },
  'one an agent signed': { text: () => ticket({}, agent), is: ['unsound', 'UNAUTHENTICATED', 'by the hub'] },
  'one of another cloud': {
    text: () => ticket({}, otherHub),
    is: ['unsound', 'UNAUTHENTICATED', 'by the hub'],
  },
  'one that expired': {
    text: () => ticket({}, hub, Date.now() - TICKET_LIFETIME_MS - MINUTE_MS),
    is: ['expired', 'UNAUTHENTICATED', 'has expired'],
  },
  'one of a time to come': {
    text: () => ticket({}, hub, Date.now() + MINUTE_MS),
    is: ['unsound', 'UNAUTHENTICATED', 'of a time to come'],
  },
  "another store's": { use: { holder: DCN1 }, is: ['misused', 'FORBIDDEN', 'is that of store dcn0'] },
  "a store's, shown by the hub": { use: { holder: HUB }, is: ['misused', 'FORBIDDEN', 'not of the hub'] },
  'one for another agent': {
    text: () => ticket({ atStoreId: 'dcn1' }),
    is: ['misused', 'FORBIDDEN', 'is for store dcn1'],
  },
  'one for another image': { use: { imageId: OTHER }, is: ['misused', 'FORBIDDEN', `image ${IMAGE}`] },
  'one for the other direction': { use: { action: 'push' }, is: ['misused', 'FORBIDDEN', 'for a pull'] },
  'one for another attempt': {
    text: () => ticket({ action: 'push' }),
    use: { action: 'push', attempt: { taskId: 'copy-1', attempt: 2 } },
    is: ['misused', 'FORBIDDEN', 'attempt 1 of task copy-1'],
  },
  'one for another task': {
    text: () => ticket({ action: 'push' }),
    use: { action: 'push', attempt: { taskId: 'copy-2', attempt: 1 } },
    is: ['misused', 'FORBIDDEN', 'attempt 1 of task copy-1'],
  },
};

describe('refused, and counted:', () => {
  test.each(Object.entries(REFUSED))('%s', (_name, { text, use, is: [reason, code, words] }) => {
    const refusal = refusalOf(() => desk.admit(text ? text() : ticket(), { ...PULL, ...use }));
    expect(refusal).toMatchObject({ code });
    expect(refusal.message).toContain(words);
    expect(refused).toEqual([reason]);
    // Nothing is remembered of it: the right one is still good for its first connection.
    expect(desk.size).toBe(0);
  });

  test('on a ninth connection, while the first eight go on', () => {
    const uses = Array.from({ length: CONNECTIONS }, (_, at) => ({ ...PULL, peer: `10.0.0.1:${1000 + at}` }));
    const streams = uses.flatMap((use) => [desk.admit(ticket(), use), desk.admit(ticket(), use)]);
    const refusal = refusalOf(() => desk.admit(ticket(), { ...PULL, peer: '10.0.0.1:2000' }));
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(refusal.message).toContain('on other connections');
    // Also when nothing is under way any more: that a connection broke makes room for nobody.
    for (const stream of streams) {
      expect(stream.signal.aborted).toBe(false);
      stream[Symbol.dispose]();
    }
    expect(refusalOf(() => desk.admit(ticket(), { ...PULL, peer: '10.0.0.2:1000' })).code).toBe(
      'UNAUTHENTICATED',
    );
    expect(refused).toEqual(['replayed', 'replayed']);
    for (const use of uses) desk.admit(ticket(), use)[Symbol.dispose]();
    // A later attempt begins anew.
    desk.admit(ticket({ attempt: 2 }), { ...PULL, peer: '10.0.0.2:1000' })[Symbol.dispose]();
  });

  test('with another certificate of the same store than the first, on whichever connection', () => {
    using first = desk.admit(ticket(), PULL);
    const other = { ...PULL, certificate: certificate('b') };
    for (const use of [other, { ...other, peer: '10.0.0.1:1001' }]) {
      expect(refusalOf(() => desk.admit(ticket(), use))).toMatchObject({
        code: 'UNAUTHENTICATED',
        message: 'the ticket is in use on other connections',
      });
      expect(refusalOf(() => desk.renew(ticket(), use)).code).toBe('UNAUTHENTICATED');
    }
    expect(refused).toEqual(['replayed', 'replayed', 'replayed', 'replayed']);
    expect(first.signal.aborted).toBe(false);
  });

  test('with a certificate from before the one it was renewed by, on a new connection', () => {
    const renewed = { ...PULL, certificate: certificate('b', 2000) };
    using first = desk.admit(ticket(), PULL);
    for (let at = 0; at < 8; at++) desk.admit(ticket(), { ...renewed, peer: `10.0.0.1:${2000 + at}` });
    expect(desk.renew(ticket(), { ...renewed, peer: '10.0.0.1:2000' })).toBeGreaterThan(0);
    // The connection from before goes on.
    desk.admit(ticket(), PULL)[Symbol.dispose]();
    expect(refused).toEqual([]);
    for (const use of [
      { ...renewed, peer: '10.0.0.1:2008' },
      { ...PULL, peer: '10.0.0.1:3000' },
    ]) {
      expect(refusalOf(() => desk.admit(ticket(), use)).code).toBe('UNAUTHENTICATED');
    }
    expect(refused).toEqual(['replayed', 'replayed']);
    expect(first.signal.aborted).toBe(false);
  });

  test('of an earlier attempt, whose streams a later one ends', () => {
    const old = desk.admit(ticket(), PULL);
    desk.admit(ticket({ attempt: 2 }), { ...PULL, peer: '10.0.0.1:2000' });
    expect(old.signal.reason).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'a later attempt has begun',
    });
    expect(refusalOf(() => desk.admit(ticket(), PULL)).message).toContain('earlier attempt');
    expect(refused).toEqual(['superseded']);
  });

  test('of a store that was cut off after it was issued; one issued later is good', () => {
    const before = ticket();
    vi.advanceTimersByTime(MINUTE_MS);
    revoked.replace(['dcn1', 'dcn0']);
    expect(cutOff).toEqual(['dcn1', 'dcn0']);
    expect(refusalOf(() => desk.admit(before, PULL))).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'store dcn0 has been revoked',
      hint: expect.stringContaining('entrepot store add dcn0'),
    });
    expect(refused).toEqual(['revoked']);
    // It was let in again, and revoked once more.
    vi.advanceTimersByTime(MINUTE_MS);
    const between = ticket({ taskId: 'copy-2' });
    desk.admit(between, PULL)[Symbol.dispose]();
    vi.advanceTimersByTime(MINUTE_MS);
    revoked.add('dcn0');
    expect(refusalOf(() => desk.renew(between, PULL)).code).toBe('UNAUTHENTICATED');
    // The hub's list no longer has it: what it got in the last minutes counts again.
    revoked.replace([]);
    desk.admit(between, PULL)[Symbol.dispose]();
  });

  test('by authorities that are no longer believed', () => {
    desk.believe(otherCloud.caPem);
    expect(refusalOf(() => desk.admit(ticket(), PULL)).code).toBe('UNAUTHENTICATED');
    desk.admit(ticket({}, otherHub), PULL)[Symbol.dispose]();
  });
});

describe('let in:', () => {
  test('the hub, for a download', () => {
    const held = ticket({ taskId: 'download-1', holder: HUB });
    using admission = desk.admit(held, { ...PULL, holder: HUB });
    expect(admission.ticket).toMatchObject({ taskId: 'download-1', holder: HUB });
    expect(refused).toEqual([]);
  });

  test('until the ticket expires', () => {
    using admission = desk.admit(ticket(), PULL);
    using later = desk.admit(ticket(), PULL);
    vi.advanceTimersByTime(TICKET_LIFETIME_MS);
    expect(admission.signal.aborted).toBe(false);
    vi.advanceTimersByTime(MINUTE_MS);
    const expired = { code: 'UNAUTHENTICATED', message: 'the ticket has expired' };
    expect(admission.signal.reason).toMatchObject(expired);
    expect(later.signal.reason).toMatchObject(expired);
  });

  test('for longer with a renewed one, shown by itself or with the next stream', () => {
    using admission = desk.admit(ticket(), PULL);
    vi.advanceTimersByTime(10 * MINUTE_MS);
    expect(desk.renew(ticket(), PULL)).toBe(Date.now() + TICKET_LIFETIME_MS);
    vi.advanceTimersByTime(10 * MINUTE_MS);
    desk.admit(ticket(), PULL)[Symbol.dispose]();
    // An older one that comes late takes nothing away.
    desk.admit(ticket({}, hub, Date.now() - 10 * MINUTE_MS), PULL)[Symbol.dispose]();
    vi.advanceTimersByTime(10 * MINUTE_MS);
    expect(admission.signal.aborted).toBe(false);
    vi.advanceTimersByTime(6 * MINUTE_MS);
    expect(admission.signal.aborted).toBe(true);
    expect(refused).toEqual([]);
  });

  test('no renewal without a stream, nor by anybody else', () => {
    expect(refusalOf(() => desk.renew(ticket(), PULL)).code).toBe('NOT_FOUND');
    using admission = desk.admit(ticket(), PULL);
    expect(refusalOf(() => desk.renew(ticket({ attempt: 2 }), PULL)).code).toBe('NOT_FOUND');
    // There would be room for it, but nothing of it is under way.
    expect(refusalOf(() => desk.renew(ticket(), { ...PULL, peer: '10.9.9.9:1' })).code).toBe(
      'UNAUTHENTICATED',
    );
    expect(refusalOf(() => desk.renew(ticket(), { ...PULL, holder: DCN1 })).code).toBe('FORBIDDEN');
    expect(refusalOf(() => desk.renew(tamper(ticket()), PULL)).code).toBe('UNAUTHENTICATED');
    expect(refusalOf(() => desk.renew('', PULL)).code).toBe('UNAUTHENTICATED');
    expect(refused).toEqual(['replayed', 'misused', 'unsound', 'missing']);
    expect(admission.signal.aborted).toBe(false);
  });
});

describe('what it remembers', () => {
  const LIMIT = 4096;

  /** So many tasks of dcn0 that have begun and ended. */
  function fill(count: number): void {
    for (let at = 0; at < count; at++) desk.admit(ticket({ taskId: `copy-${at}` }), PULL)[Symbol.dispose]();
  }

  test('is bounded, and goes when it has expired', () => {
    using open = desk.admit(ticket({ taskId: 'open' }), PULL);
    fill(LIMIT - 1);
    expect(desk.size).toBe(LIMIT);
    const refusal = refusalOf(() => desk.admit(ticket({ taskId: 'one more' }), PULL));
    expect(refusal).toMatchObject({ code: 'UNAVAILABLE' });
    expect(refusal.message).toContain('store dcn0 has too many tickets in use');
    expect(refused).toEqual(['crowded']);
    // Those that are known are served all the same, and so is another attempt.
    desk.admit(ticket({ taskId: 'open' }), PULL)[Symbol.dispose]();
    desk.admit(ticket({ taskId: 'copy-0', attempt: 2 }), PULL)[Symbol.dispose]();
    expect(desk.size).toBe(LIMIT);
    vi.advanceTimersByTime(TICKET_LIFETIME_MS + MINUTE_MS);
    expect(open.signal.aborted).toBe(true);
    desk.admit(ticket({ taskId: 'another' }), PULL)[Symbol.dispose]();
    // The stream that was ended and has not gone yet, and the new one.
    expect(desk.size).toBe(2);
    fill(LIMIT - 2);
    expect(refusalOf(() => desk.admit(ticket({ taskId: 'one more' }), PULL)).code).toBe('UNAVAILABLE');
  });

  test('of one holder takes nothing from the others', () => {
    fill(LIMIT);
    const more = { taskId: 'one more' };
    expect(refusalOf(() => desk.admit(ticket(more), PULL)).code).toBe('UNAVAILABLE');
    desk.admit(ticket({ ...more, holder: DCN1 }), { ...PULL, holder: DCN1 })[Symbol.dispose]();
    using _download = desk.admit(ticket({ taskId: 'download', holder: HUB }), { ...PULL, holder: HUB });
    expect(desk.size).toBe(LIMIT + 2);
    // A task that goes over to another is the other's from then on.
    desk.admit(ticket({ taskId: 'copy-0', attempt: 2, holder: DCN1 }), { ...PULL, holder: DCN1 });
    desk.admit(ticket({ taskId: 'copy-new' }), PULL);
    expect(desk.size).toBe(LIMIT + 3);
    // Unless the other has no place for it: then the attempt before is not harmed.
    const back = ticket({ ...more, attempt: 2 });
    expect(refusalOf(() => desk.admit(back, PULL)).code).toBe('UNAVAILABLE');
    desk.admit(ticket({ ...more, holder: DCN1 }), { ...PULL, holder: DCN1 });
  });

  test('of the hub goes with its last stream: it makes room at once, however many downloads there are', () => {
    const use = { ...PULL, holder: HUB };
    for (let at = 0; at < LIMIT + 1; at++) {
      desk.admit(ticket({ taskId: `download-${at}`, holder: HUB }), use)[Symbol.dispose]();
    }
    expect(desk.size).toBe(0);
    const held = ticket({ taskId: 'download', holder: HUB });
    const first = desk.admit(held, use);
    const second = desk.admit(held, use);
    first[Symbol.dispose]();
    // While there is one, it is of one certificate.
    expect(refusalOf(() => desk.admit(held, { ...use, certificate: certificate('b') })).code).toBe(
      'UNAUTHENTICATED',
    );
    expect(desk.renew(held, use)).toBe(Date.now() + TICKET_LIFETIME_MS);
    second[Symbol.dispose]();
    expect(desk.size).toBe(0);
    // And with a key other than the hub's it is good for nothing, now as before.
    expect(refusalOf(() => desk.admit(held, PULL)).code).toBe('FORBIDDEN');
    expect(desk.size).toBe(0);
  });
});
