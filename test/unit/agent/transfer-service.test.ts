import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callDuplex, callServerStream, callUnary } from '../../../src/rpc/calls.ts';
import { bulkChannel, type Channel, type ChannelCredentials } from '../../../src/rpc/channel.ts';
import { TICKET_KEY } from '../../../src/rpc/limits.ts';
import { Transfer } from '../../../src/rpc/proto.ts';
import { HUB, type Identity } from '../../../src/trust/identity.ts';
import type { Ticket } from '../../../src/trust/ticket.ts';
import { TestAuthority } from '../../trust/test-authority.ts';
import { collect, refusalIn } from '../rpc/harness.ts';
import { type AgentBench, sample, World } from './agent-bench.ts';

const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
const DCN0: Identity = { kind: 'store', storeId: 'dcn0' };
const DCN1: Identity = { kind: 'store', storeId: 'dcn1' };
const KEY = { taskId: 'copy-1', attempt: 1 };

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

describe('the Transfer service of an agent', () => {
  let world: World;
  let central: AgentBench;
  const bytes = sample(4);
  const ending = new AsyncDisposableStack();

  beforeAll(async () => {
    world = ending.use(await World.make());
    central = await world.agent('central');
    await world.ingest(await world.hub.session('central'), IMAGE, bytes);
  });
  afterAll(() => ending.disposeAsync());

  function dial(credentials: ChannelCredentials): Channel {
    const { transferAddress: address } = central.agent;
    const expected = { kind: 'store', storeId: 'central' } as const;
    return ending.use(bulkChannel({ address, peer: 'central', credentials, expect: expected }));
  }

  async function dialAs(identity: Identity): Promise<Channel> {
    return dial(await world.authority.credentials(identity));
  }

  function pull(channel: Channel, ticket: string | undefined) {
    const request = { imageId: IMAGE, runs: [{ firstChunk: 0, chunkCount: 1 }] };
    const metadata: Record<string, string> = ticket === undefined ? {} : { [TICKET_KEY]: ticket };
    return collect(callServerStream(channel, Transfer.Pull, request, { metadata, timeoutMs: 10_000 }));
  }

  test('lets nobody in without a certificate of this cloud', async () => {
    const { caPem } = world.authority;
    const stranger = await TestAuthority.create();
    const foreign = { ...(await stranger.credentials(DCN0)), caPem };
    const expired = await world.authority.expired(DCN0);
    for (const credentials of [{ caPem }, foreign, expired]) {
      const refusal = await refusalIn(pull(dial(credentials), pullTicket(world)));
      expect(refusal.code).toMatch(/^(UNAUTHENTICATED|UNAVAILABLE)$/);
    }
    expect(await refusedBy(central, 'missing')).toBe(0);
  });

  test('is not for operators, nor for API tokens', async () => {
    const alice = await world.authority.credentials({ kind: 'operator', name: 'alice' });
    expect(await refusalIn(pull(dial(alice), pullTicket(world)))).toMatchObject({ code: 'FORBIDDEN' });
    const bearer = `entrepot-api-${'x'.repeat(43)}`;
    const refusal = await refusalIn(pull(dial({ ...alice, bearer }), pullTicket(world)));
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED', message: 'an agent cannot check API tokens' });
  });

  test('needs a ticket, and the right one', async () => {
    const dcn0 = await dialAs(DCN0);
    expect(await refusalIn(pull(dcn0, undefined))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await refusedBy(central, 'missing')).toBe(1);
    // Stolen: the thief has a certificate of its own.
    const stolen = await refusalIn(pull(await dialAs(DCN1), pullTicket(world)));
    expect(stolen).toMatchObject({
      code: 'FORBIDDEN',
      message: 'the ticket is that of store dcn0, not of store dcn1',
    });
    expect((await refusalIn(pull(dcn0, pushTicket(world)))).message).toContain('for a push');
    expect(await refusedBy(central, 'misused')).toBe(2);
  });

  test('takes a ticket on eight connections of one certificate only', async () => {
    // In this order: issued a second later, it would be the renewal of the first, which has places of its own.
    const other = dial(await world.authority.credentials(DCN0));
    const dcn0 = await world.authority.credentials(DCN0);
    const lines = Array.from({ length: 9 }, () => dial(dcn0));
    const ticket = pullTicket(world, { taskId: 'copy-replay' });
    const [first] = lines as [Channel];
    expect(await pull(first, ticket)).not.toEqual([]);
    const refused = {
      code: 'UNAUTHENTICATED',
      message: 'the ticket is in use on other connections',
    };
    // The same store, and there is room yet: but it is not the same certificate.
    expect(await refusalIn(pull(other, ticket))).toMatchObject(refused);
    const ninth = lines.pop() as Channel;
    for (const line of lines) expect(await pull(line, ticket)).not.toEqual([]);
    expect(await refusalIn(pull(ninth, ticket))).toMatchObject(refused);
    for (const line of lines) expect(await pull(line, ticket)).not.toEqual([]);
    expect(await refusedBy(central, 'replayed')).toBe(2);
  });

  test('serves the hub, which downloads', async () => {
    const ticket = pullTicket(world, { taskId: 'download-1', holder: HUB });
    expect(await pull(await dialAs(HUB), ticket)).not.toEqual([]);
  });

  test('takes no delivery for another task than that of the ticket, nor without one', async () => {
    const channel = await dialAs(DCN0);
    const push = async (taskId: string, metadata: Record<string, string>) => {
      await using call = callDuplex(channel, Transfer.Push, { metadata, timeoutMs: 10_000 });
      await call.write({ hello: { ...KEY, taskId, imageId: IMAGE } });
      await collect(call.messages);
    };
    const metadata = { [TICKET_KEY]: pushTicket(world) };
    expect(await refusalIn(push('copy-2', metadata))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await refusalIn(push('copy-1', {}))).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('has room for eight copies of a store at once, each on eight connections, and for no more', async () => {
    const credentials = await world.authority.credentials(DCN0);
    await using leaving = new AsyncDisposableStack();
    const metadata = { [TICKET_KEY]: pushTicket(world) };
    // They say nothing yet: a hello would be compared with the ticket.
    const open = (channel: Channel) =>
      leaving.use(callDuplex(channel, Transfer.Push, { metadata, timeoutMs: 20_000 }));
    const lines = Array.from({ length: 8 }, () => dial(credentials));
    const calls = lines.flatMap((line) => Array.from({ length: 8 }, () => open(line)));
    const ended = calls.map(({ messages }) => refusalIn(collect(messages)));
    const last = lines[7] as Channel;
    // By its answer all before it on this connection have begun; the others have their own.
    for (const line of lines)
      expect(await pull(line, pullTicket(world, { taskId: 'copy-many' }))).not.toEqual([]);
    expect(await refusalIn(collect(open(last).messages))).toMatchObject({ code: 'RATE_LIMITED' });
    const none = Promise.resolve('none has ended');
    expect(await Promise.race([...ended, none])).toBe('none has ended');
  });

  test('renews for nobody who has no stream', async () => {
    const renewing = callUnary(await dialAs(DCN1), Transfer.Renew, {
      ticket: pullTicket(world, { taskId: 'copy-9', holder: DCN1 }),
    });
    expect(await refusalIn(renewing)).toMatchObject({ code: 'NOT_FOUND' });
  });
});
