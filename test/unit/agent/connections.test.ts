import { describe, expect, test } from 'vitest';
import { Deliveries, type Delivery } from '../../../src/agent/deliveries.ts';
import { Links } from '../../../src/agent/links.ts';
import { OpenImages } from '../../../src/agent/open-images.ts';
import { Pacing } from '../../../src/agent/pacing.ts';
import { PushSessions } from '../../../src/agent/push-sessions.ts';
import { RevokedStores } from '../../../src/agent/revoked-stores.ts';
import { transferService } from '../../../src/agent/transfer-service.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { systemClock } from '../../../src/pacing/clock.ts';
import { BULK_WINDOW_BYTES } from '../../../src/rpc/channel.ts';
import { CONNECTIONS_KEY } from '../../../src/rpc/limits.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { DelayedLine } from '../../cloud/delayed-line.ts';
import { authority, type Bench, type Given, gate, refusalIn, serve } from '../rpc/harness.ts';
import { draw, IMAGE_ID, manifestOf, storeWith } from '../transfer/samples.ts';
import { sample, World } from './agent-bench.ts';
import { eventually } from './scripted-hub.ts';

const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
const KEY = { taskId: 'copy-1', attempt: 1 };
const CONNECTIONS = 3;

const NO_LIMITS = { onUnread: () => undefined, onWaited: () => undefined };

function pacingOf(storeId: string): Pacing {
  return new Pacing({ storeId, clock: systemClock, ...NO_LIMITS });
}

describe('a copy on several connections', () => {
  test('comes by pull', async () => {
    await using world = await World.make();
    const central = await world.agent('central');
    await world.agent('dcn0', { connections: CONNECTIONS });
    const bytes = sample(12);
    await world.ingest(await world.hub.session('central'), IMAGE, bytes);
    const session = await world.hub.session('dcn0');
    const { transferAddress } = central.agent;
    await using line = await DelayedLine.start(Number(transferAddress.split(':').at(-1)), 0);
    const from = line.address;
    session.tell(world.copyMessage({ ...KEY, imageId: IMAGE, bytes, from }));
    expect((await session.result(KEY.taskId)).copied?.verifiedRoot).toBe(manifestOf(bytes).root);
    expect((await world.bytesAt('dcn0', IMAGE)).equals(bytes)).toBe(true);
    // And one that measured the distance.
    expect(line.connections).toBe(CONNECTIONS + 1);
  });

  test('comes by push, on as many as its source makes', async () => {
    await using world = await World.make();
    const central = await world.agent('central');
    await world.agent('dcn0', { connections: CONNECTIONS });
    const bytes = sample(12);
    const [atCentral, atDcn0] = [await world.hub.session('central'), await world.hub.session('dcn0')];
    await world.ingest(atDcn0, IMAGE, bytes);
    const back = world.copyMessage({ ...KEY, imageId: IMAGE, bytes, from: '', to: 'central' });
    back.assign.copy.sourceStoreId = 'dcn0';
    atCentral.tell(back);
    atDcn0.tell(world.serveMessage({ ...KEY, imageId: IMAGE, receiver: central }));
    expect((await atCentral.result(KEY.taskId)).copied?.verifiedRoot).toBe(manifestOf(bytes).root);
    expect((await world.bytesAt('central', IMAGE)).equals(bytes)).toBe(true);
    const labels = 'grpc_type="bidi_stream",grpc_service="entrepot.v1.Transfer",grpc_method="Push"';
    expect(await central.metric(`grpc_server_started_total{${labels}}`)).toBe(CONNECTIONS);
  });
});

describe('a delivery', () => {
  type Push = NonNullable<NonNullable<Given['Transfer']>['Push']>;

  /** A source of a sample image, and a receiver that does what is given. */
  async function meet(push: Push, renewed: string[] = []) {
    const ending = new AsyncDisposableStack();
    const receiver: Bench = ending.use(
      await serve(
        {
          Transfer: {
            Push: push,
            Renew: async ({ ticket }) => {
              renewed.push(ticket);
              return {};
            },
          },
        },
        { credentials: await authority.credentials({ kind: 'store', storeId: 'central' }) },
      ),
    );
    const line = ending.use(await DelayedLine.start(receiver.port, 0));
    const pacing = ending.use(pacingOf('dcn0'));
    const openImages = ending.use(
      new OpenImages(await storeWith(draw({ chunks: ['full'], missingBytes: 0 }))),
    );
    const credentials = await authority.credentials({ kind: 'store', storeId: 'dcn0' });
    const log = createLoggers({ component: 'agent', level: 'silent', storeId: 'dcn0' }).transfer;
    const deliveries = new Deliveries({
      openImages,
      pacing,
      onSent: () => undefined,
      credentials: () => credentials,
      revoked: new RevokedStores(Date.now, () => undefined),
      links: new Links({ connections: CONNECTIONS }, { storeId: 'dcn0', pacing, log }),
      onRenewalRefused: () => undefined,
    });
    ending.defer(() => deliveries.stop(new Refusal('CANCELLED', 'the test has ended')));
    const delivery: Delivery = {
      ...KEY,
      imageId: IMAGE_ID,
      jobId: undefined,
      receiverAddress: line.address,
      receiverStoreId: 'central',
      ticket: 'first',
    };
    return { line, deliveries, delivery, [Symbol.asyncDispose]: () => ending.disposeAsync() };
  }

  test('says on each connection how many there are, and goes on with those that are left', async () => {
    const over = gate();
    const served: string[] = [];
    const said: (string | undefined)[] = [];
    const peers = new Set<string>();
    const ask = gate();
    const renewed: string[] = [];
    await using both = await meet(async (messages, write, { metadata, peer, signal }) => {
      const pushed = messages[Symbol.asyncIterator]();
      expect((await pushed.next()).value).toEqual({ hello: { ...KEY, imageId: IMAGE_ID } });
      said.push(metadata.get(CONNECTIONS_KEY));
      peers.add(peer);
      await Promise.race([ask.opened, new Promise((resolve) => signal.addEventListener('abort', resolve))]);
      if (signal.aborted) return;
      await write({ imageId: IMAGE_ID, runs: [{ firstChunk: 0, chunkCount: 1 }] });
      for (let isLast = false; !isLast; ) {
        const { value } = await pushed.next();
        isLast = 'frame' in value && value.frame.last;
      }
      served.push(peer);
      await over.opened;
    }, renewed);
    const delivered = both.deliveries.deliver(both.delivery);
    await eventually(() => said.length === CONNECTIONS);
    expect(said).toEqual(['3', '3', '3']);
    expect(peers.size).toBe(CONNECTIONS);

    // The first one measured the distance.
    both.line.cut(1);
    // A ticket is shown on one that is left, once it counts for all.
    await eventually(() => {
      if (renewed.length === 0) both.deliveries.renewTicket(KEY, 'second');
      return renewed.length > 0;
    });
    expect(new Set(renewed)).toEqual(new Set(['second']));
    ask.open();
    await eventually(() => served.length === CONNECTIONS - 1);
    over.open();
    await delivered;
  });

  test('ends when all its connections have broken', async () => {
    let hellos = 0;
    await using both = await meet(async (messages) => {
      for await (const _ of messages) hellos++;
    });
    const delivered = both.deliveries.deliver(both.delivery);
    await eventually(() => hellos === CONNECTIONS);
    for (const index of [1, 2, 3]) both.line.cut(index);
    expect((await refusalIn(delivered)).code).toBe('UNAVAILABLE');
  });

  test('ends on all connections when one of them is told that it must not be', async () => {
    let hellos = 0;
    let left = 0;
    await using both = await meet(async (messages, _write, { signal }) => {
      signal.addEventListener('abort', () => left++);
      for await (const _ of messages) {
        hellos++;
        if (hellos === CONNECTIONS) throw new Refusal('UNAUTHENTICATED', 'a later attempt has begun');
      }
    });
    const refusal = await refusalIn(both.deliveries.deliver(both.delivery));
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED', message: 'a later attempt has begun' });
    await eventually(() => left >= CONNECTIONS - 1);
  });
});

describe('the receiver of a delivery', () => {
  const ticket = { holder: { kind: 'store', storeId: 'dcn0' }, atStoreId: 'central' };
  const push = { ...KEY, imageId: IMAGE_ID };

  /** What one connection that says so leads to, by the windows that were announced on it. */
  async function deliver(connections: string | undefined, pacing: Pacing): Promise<unknown[]> {
    const pushSessions = new PushSessions(BULK_WINDOW_BYTES);
    const admitted = { ticket, signal: new AbortController().signal, [Symbol.dispose]: () => undefined };
    const desk = { requireSound: () => undefined, admit: () => admitted };
    const service = transferService({ pushSessions, pacing, desk } as never);
    const widened: unknown[] = [];
    const context = {
      metadata: { get: (key: string) => (key === CONNECTIONS_KEY ? connections : 'a ticket') },
      caller: { kind: 'store', storeId: 'dcn0' },
      certificate: { fingerprint: 'a'.repeat(64), notBeforeMs: 0 },
      signal: new AbortController().signal,
      widen: (...given: unknown[]) => void widened.push(given),
    };
    const messages = async function* () {
      yield { hello: push };
    };
    const delivered = service.Push(messages(), async () => {}, context as never);
    delivered.catch(() => {});
    if (connections === undefined || Number(connections) <= 8) {
      await pushSessions.receive(push, 'dcn0', context.signal, () => eventually(() => widened.length > 0));
    }
    await delivered;
    return widened;
  }

  test('lets each of its connections be ahead by its part of what the distance asks for', async () => {
    using pacing = pacingOf('central');
    expect(await deliver(undefined, pacing)).toEqual([[1, undefined]]);
    pacing.heed({ stores: new Map([['dcn0', { rate: '20M', paused: false }]]), jobs: new Map() });
    expect(await deliver('3', pacing)).toEqual([[3, 20 * 1024 * 1024]]);
    expect(await deliver('8', pacing)).toEqual([[8, 20 * 1024 * 1024]]);
  });

  test.each(['9', '10', 'many'])('takes no %s connections', async (connections) => {
    using pacing = pacingOf('central');
    expect(await refusalIn(deliver(connections, pacing))).toMatchObject({
      code: 'INVALID',
      message: 'a delivery has 1 to 8 connections',
    });
  });
});

describe('the rate that is wanted of a way', () => {
  test('is the most its two stores may ever have, or unknown', () => {
    using pacing = pacingOf('dcn0');
    const links = new Links(
      {},
      {
        storeId: 'dcn0',
        pacing,
        log: createLoggers({ component: 'agent', level: 'silent', storeId: 'dcn0' }).transfer,
      },
    );
    expect(links.to('central').wantedRate).toBeUndefined();
    const rate = (text: string) => ({ rate: text, paused: true });
    const tell = (stores: Readonly<Record<string, string>>) => {
      const told = Object.entries(stores).map(([id, text]) => [id, rate(text)] as const);
      pacing.heed({ stores: new Map(told), jobs: new Map() });
    };
    tell({ central: 'Mon-Fri 08:00 2M, 18:00 20M', dcn0: '30M', dcn1: '1M' });
    expect(links.to('central').wantedRate).toBe(20 * 1024 * 1024);
    tell({ central: '40M', dcn0: 'Mon-Fri 08:00 2M, 18:00 30M, Sat-Sun 5M' });
    expect(links.to('central').wantedRate).toBe(30 * 1024 * 1024);
    tell({ central: 'Mon-Fri 08:00 2M, 18:00 off', dcn0: 'no rate at all' });
    expect(links.to('central').wantedRate).toBeUndefined();
  });
});
