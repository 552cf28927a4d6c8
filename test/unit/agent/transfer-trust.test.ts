import { describe, expect, test } from 'vitest';
import { joinAgent } from '../../../src/agent/join.ts';
import { fingerprintOf, readBundle } from '../../../src/trust/certificate.ts';
import type { Identity } from '../../../src/trust/identity.ts';
import { createJoinToken } from '../../../src/trust/secret-token.ts';
import { TICKET_LIFETIME_MS, type Ticket } from '../../../src/trust/ticket.ts';
import { gate } from '../rpc/harness.ts';
import { manifestOf } from '../transfer/samples.ts';
import type { WatchedStore } from '../transfer/watched-store.ts';
import { type AgentBench, sample, World } from './agent-bench.ts';
import { eventually, type Session } from './scripted-hub.ts';

const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
const DCN0: Identity = { kind: 'store', storeId: 'dcn0' };
const DCN1: Identity = { kind: 'store', storeId: 'dcn1' };
const KEY = { taskId: 'copy-1', attempt: 1 };

/** As TicketDesk and TicketReader have it. */
const CLOCK_SKEW_MS = 30_000;

/** A ticket that short still lets a copy begin. */
const SHORT_MS = 2500;

/** When a ticket must have been issued to end so many milliseconds from now. */
function endingIn(ms: number): number {
  return Date.now() + ms - TICKET_LIFETIME_MS - CLOCK_SKEW_MS;
}

async function past(atMs: number): Promise<void> {
  await eventually(() => Date.now() > atMs);
}

function pullTicket(world: World, given: Partial<Ticket> = {}, nowMs = Date.now()): string {
  const rest = { ...KEY, imageId: IMAGE, action: 'pull', holder: DCN0, atStoreId: 'central' } as const;
  return world.hub.ticket({ ...rest, ...given }, nowMs);
}

function pushTicket(world: World, nowMs = Date.now()): string {
  return pullTicket(world, { action: 'push' }, nowMs);
}

function refusedBy(agent: AgentBench, reason: string): Promise<number> {
  return agent.metric(`entrepot_tickets_refused_total{reason="${reason}"}`);
}

/** Holds up every call of a kind after the first so many, until it is opened. */
function hold(store: WatchedStore, kind: 'read' | 'write', after: number) {
  const held = gate();
  const reached = gate();
  let calls = 0;
  store.around = async (call, when) => {
    if (call !== kind || when !== 'before' || ++calls <= after) return;
    reached.open();
    await held.opened;
  };
  return { reached: reached.opened, release: () => held.open() };
}

const BYTES = sample(12);

/** A copy at dcn0 that stands still: central waits in its tenth read. */
async function pulling(world: World, isShort = false) {
  const central = await world.agent('central');
  const edge = await world.agent('dcn0');
  const atCentral = await world.hub.session('central');
  const session = await world.hub.session('dcn0');
  await world.ingest(atCentral, IMAGE, BYTES);
  const held = hold(central.store, 'read', 9);
  const endsAtMs = Date.now() + SHORT_MS;
  const ticket = isShort ? pullTicket(world, {}, endingIn(SHORT_MS)) : undefined;
  session.tell(copyMessage(world, central, 1, ticket));
  await held.reached;
  return { central, edge, atCentral, session, held, endsAtMs };
}

function copyMessage(world: World, from: AgentBench, attempt = 1, ticket?: string) {
  const order = { ...KEY, attempt, imageId: IMAGE, bytes: BYTES, from: from.agent.transferAddress };
  return world.copyMessage({ ...order, ...(ticket !== undefined && { ticket }) });
}

/** A copy at central that stands still: dcn0, which delivers, waits in its tenth read. */
async function pushing(world: World, isShort = false) {
  const central = await world.agent('central');
  const edge = await world.agent('dcn0');
  const atEdge = await world.hub.session('dcn0');
  const session = await world.hub.session('central');
  await world.ingest(atEdge, IMAGE, BYTES);
  const held = hold(edge.store, 'read', 9);
  const endsAtMs = Date.now() + SHORT_MS;
  const ticket = isShort ? pushTicket(world, endingIn(SHORT_MS)) : undefined;
  session.tell(world.copyMessage({ ...KEY, imageId: IMAGE, bytes: BYTES, from: '', to: 'central' }));
  atEdge.tell(
    world.serveMessage({
      ...KEY,
      imageId: IMAGE,
      receiver: central,
      ...(ticket !== undefined && { ticket }),
    }),
  );
  await held.reached;
  return { central, edge, atEdge, session, held, endsAtMs };
}

async function failureIn(session: Session, attempt = 1) {
  const result = await eventually(() => session.results(KEY.taskId).find((one) => one.attempt === attempt));
  return result.failure;
}

describe('a ticket that expires in the middle', () => {
  test('of a pull ends it; it is to be tried again', async () => {
    await using world = await World.make();
    const { central, session, held, endsAtMs } = await pulling(world, true);
    await past(endsAtMs + 200);
    held.release();
    expect(await failureIn(session)).toMatchObject({
      code: 'UNAVAILABLE',
      message: 'broken off: the ticket has expired',
    });
    session.tell(copyMessage(world, central, 2));
    const again = await eventually(() => session.results(KEY.taskId).find(({ attempt }) => attempt === 2));
    expect(again.copied?.verifiedRoot).toBe(manifestOf(BYTES).root);
  });

  test('of a push ends it, too', async () => {
    await using world = await World.make();
    const { edge, session, held } = await pushing(world, true);
    expect(await failureIn(session)).toMatchObject({
      code: 'UNAVAILABLE',
      message: 'broken off: the ticket has expired',
    });
    held.release();
    await eventually(() => edge.lines.find((line) => line.msg.startsWith('delivery broken off')));
  });

  test('does not, when the hub renews it for who pulls', async () => {
    await using world = await World.make();
    const { session, held, endsAtMs } = await pulling(world, true);
    session.tell({ renewedTicket: { ...KEY, ticket: pullTicket(world) } });
    await past(endsAtMs + 200);
    expect(session.results(KEY.taskId)).toEqual([]);
    held.release();
    expect((await session.result(KEY.taskId)).copied?.verifiedRoot).toBe(manifestOf(BYTES).root);
  });

  test('does not, when the hub renews it for who delivers', async () => {
    await using world = await World.make();
    const { edge, atEdge, session, held, endsAtMs } = await pushing(world, true);
    // Of another attempt, and of another task: for nobody.
    atEdge.tell({ renewedTicket: { ...KEY, attempt: 7, ticket: 'x' } });
    atEdge.tell({ renewedTicket: { ...KEY, ticket: pushTicket(world) } });
    await past(endsAtMs + 200);
    expect(session.results(KEY.taskId)).toEqual([]);
    held.release();
    expect((await session.result(KEY.taskId)).copied?.verifiedRoot).toBe(manifestOf(BYTES).root);
    const ignored = edge.lines.filter((line) => line.msg.startsWith('ignored a renewed ticket'));
    expect(ignored.map((line) => line['attempt'])).toEqual([7]);
  });

  test('does not, when a hub that came back hands the same attempts out again', async () => {
    await using world = await World.make();
    const { central, session, held, endsAtMs } = await pulling(world, true);
    session.tell(copyMessage(world, central));
    await past(endsAtMs + 200);
    held.release();
    expect((await session.result(KEY.taskId)).copied).toBeTruthy();
  });

  test('and one that was not renewed in time, as the hub was away, is said at once for the next request', async () => {
    await using world = await World.make();
    const central = await world.agent('central');
    await world.agent('dcn0');
    const session = await world.hub.session('dcn0');
    await world.ingest(await world.hub.session('central'), IMAGE, BYTES);
    session.tell(copyMessage(world, central, 1, pullTicket(world, {}, endingIn(-1000))));
    expect((await failureIn(session))?.code).toBe('UNAVAILABLE');
    expect(await refusedBy(central, 'expired')).toBe(1);
  });
});

test('without a ticket nothing is dialled, and the reason is clear', async () => {
  await using world = await World.make();
  const central = await world.agent('central');
  const edge = await world.agent('dcn0');
  const session = await world.hub.session('dcn0');
  const atCentral = await world.hub.session('central');
  await world.ingest(atCentral, IMAGE, BYTES);
  session.tell(copyMessage(world, central, 1, ''));
  expect(await failureIn(session)).toMatchObject({
    code: 'UNSUPPORTED',
    message: 'the hub gave no ticket to read the image at store central',
  });
  session.tell(world.serveMessage({ ...KEY, imageId: IMAGE, receiver: central, ticket: '' }));
  const line = await eventually(() => edge.lines.find(({ msg }) => msg.startsWith('delivery broken off')));
  expect(line.msg).toContain('the hub gave no ticket for this delivery');
  expect(await refusedBy(central, 'missing')).toBe(0);
});

test('a ticket for another image or store is a fault, not to be tried for ever', async () => {
  await using world = await World.make();
  const central = await world.agent('central');
  await world.agent('dcn0');
  const session = await world.hub.session('dcn0');
  await world.ingest(await world.hub.session('central'), IMAGE, BYTES);
  session.tell(copyMessage(world, central, 1, pullTicket(world, { holder: DCN1 })));
  expect((await failureIn(session))?.code).toBe('FORBIDDEN');
});

test('a source that is another than the hub said is not believed', async () => {
  await using world = await World.make();
  await world.agent('central');
  const other = await world.agent('dcn1');
  const edge = await world.agent('dcn0');
  const session = await world.hub.session('dcn0');
  await world.ingest(await world.hub.session('central'), IMAGE, BYTES);
  session.tell(copyMessage(world, other));
  const failure = await failureIn(session);
  expect(failure).toMatchObject({ code: 'UNAVAILABLE' });
  expect(failure?.message).toMatch(/store dcn1/);
  expect(await edge.metric('entrepot_agent_bytes_total{kind="received"}')).toBe(0);
});

describe('revoked in the middle', () => {
  test('of a pull: the source stops, the agent says why, and goes on after it has joined anew', async () => {
    await using world = await World.make();
    const { central, edge, atCentral, session, held } = await pulling(world);
    world.hub.revoke('dcn0');
    await eventually(() => session.isOver);
    held.release();
    const pullRefused = () => central.lines.find((line) => line.msg.startsWith('Pull refused'));
    expect((await eventually(pullRefused)).msg).toContain('store dcn0 has been revoked');
    const failed = await eventually(() => edge.lines.find((line) => line.msg.startsWith('copy failed')));
    expect(failed).toMatchObject({ code: 'UNAVAILABLE', msg: expect.stringContaining('revoked') });
    const says = () => edge.agent.readiness.reasons.find((reason) => reason.includes('revoked'));
    expect(await eventually(says)).toContain('entrepot store add dcn0');
    const errors = edge.lines.filter((line) => line.level === 'error');
    expect(errors).toMatchObject([{ msg: 'the hub refuses this agent: store dcn0 has been revoked' }]);

    const [ca] = readBundle(world.authority.caPem);
    const token = createJoinToken('dcn0', fingerprintOf(ca as NonNullable<typeof ca>));
    world.hub.tokens.set(token, '');
    await joinAgent({ hub: world.hub.address, token, folder: await world.credentials('dcn0') });
    const back = await world.hub.session('dcn0', session);
    expect(back.fingerprint).not.toBe(session.fingerprint);
    await eventually(() => edge.agent.readiness.isReady);
    // Central learns of it when the hub says its welcome again, and keeps its stream for that.
    atCentral.tell({ welcome: { heartbeatIntervalMs: 20, revokedStoreIds: [] } });
    atCentral.tell({ question: { questionId: 1, imageId: IMAGE } });
    await eventually(() => atCentral.messages.some(({ answer }) => answer?.questionId === 1));
    back.tell(copyMessage(world, central, 2));
    const again = await eventually(() => back.results(KEY.taskId).find(({ attempt }) => attempt === 2));
    expect(again.copied?.verifiedRoot).toBe(manifestOf(BYTES).root);
    expect(again.traffic?.resumedBytes).toBeGreaterThan(0);
  });

  test('of a push: what it delivers is not taken any more', async () => {
    await using world = await World.make();
    const { session, edge, held } = await pushing(world);
    world.hub.revoke('dcn0');
    const failure = await failureIn(session);
    expect(failure).toMatchObject({ code: 'UNAVAILABLE' });
    expect(failure?.message).toContain('store dcn0 has been revoked');
    held.release();
    await eventually(() => edge.lines.find((line) => line.msg.startsWith('delivery broken off')));
  });

  test('while others read from it, or deliver to it: they leave', async () => {
    await using world = await World.make();
    const { session, held } = await pulling(world);
    world.hub.revoke('central');
    const failure = await failureIn(session);
    expect(failure).toMatchObject({ code: 'UNAVAILABLE' });
    expect(failure?.message).toContain('store central has been revoked');
    held.release();
    await using delivering = await World.make();
    const delivery = await pushing(delivering);
    delivering.hub.revoke('central');
    delivery.held.release();
    const left = () => delivery.edge.lines.find(({ msg }) => msg.startsWith('delivery broken off'));
    expect((await eventually(left)).msg).toContain('store central has been revoked');
  });

  test('while an agent was away from the hub: it learns of it with the welcome', async () => {
    await using world = await World.make();
    const { central, atCentral, session, held } = await pulling(world);
    atCentral.cut.open();
    world.hub.revoked.add('dcn0');
    await world.hub.session('central', atCentral);
    held.release();
    const failed = () => central.lines.find((line) => line.msg.startsWith('Pull refused'));
    expect((await eventually(failed)).msg).toContain('store dcn0 has been revoked');
    expect((await failureIn(session))?.code).toBe('UNAVAILABLE');
  });
});
