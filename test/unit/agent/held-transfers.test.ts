import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Deliveries } from '../../../src/agent/deliveries.ts';
import { Links } from '../../../src/agent/links.ts';
import { OpenImages } from '../../../src/agent/open-images.ts';
import { Pacing } from '../../../src/agent/pacing.ts';
import { PushedFrames } from '../../../src/agent/pushed-frames.ts';
import { RevokedStores } from '../../../src/agent/revoked-stores.ts';
import { systemClock } from '../../../src/pacing/clock.ts';
import type { Pacing as PacingMessage } from '../../../src/rpc/generated/entrepot/v1/Pacing.ts';
import { PullSource } from '../../../src/rpc/pull-source.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import { HUB } from '../../../src/trust/identity.ts';
import { TICKET_LIFETIME_MS } from '../../../src/trust/ticket.ts';
import { authority, collect, serve } from '../rpc/harness.ts';
import { draw, IMAGE_ID, manifestOf, storeWith } from '../transfer/samples.ts';
import { type AgentBench, JOB_ID, sample, World } from './agent-bench.ts';
import { eventually, type Session } from './scripted-hub.ts';

const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
const KEY = { taskId: 'copy-1', attempt: 1 };
const BYTES = sample(6);
const ROOT = manifestOf(BYTES).root;

/** As TicketDesk and TicketReader have it. */
const CLOCK_SKEW_MS = 30_000;

const NEVER = new AbortController().signal;

type Way = 'pull' | 'push';

/** Two agents, one of which is to copy the image from the other. */
interface Pair {
  readonly source: AgentBench;
  readonly sourceId: string;
  readonly atSource: Session;
  readonly copy: AgentBench;
  readonly copyId: string;
  readonly atCopy: Session;
}

/** By pull dcn0 copies from central, by push central from dcn0. */
async function pair(world: World, way: Way): Promise<Pair> {
  const [sourceId, copyId] = way === 'pull' ? ['central', 'dcn0'] : ['dcn0', 'central'];
  const [source, copy] = [await world.agent(sourceId), await world.agent(copyId)];
  const [atSource, atCopy] = [await world.hub.session(sourceId), await world.hub.session(copyId)];
  await world.ingest(atSource, IMAGE, BYTES);
  return { source, sourceId, atSource, copy, copyId, atCopy };
}

function begin(world: World, way: Way, { source, atSource, copy, copyId, atCopy }: Pair, ticket?: string) {
  const order = { ...KEY, imageId: IMAGE, ...(ticket !== undefined && { ticket }) };
  const from = way === 'pull' ? source.agent.transferAddress : '';
  if (way === 'push') atSource.tell(world.serveMessage({ ...order, receiver: copy }));
  atCopy.tell(world.copyMessage({ ...order, bytes: BYTES, from, to: copyId }));
}

function store(storeId: string): PacingMessage {
  return { stores: [{ storeId, paused: true }] };
}

const JOB: PacingMessage = { jobs: [{ jobId: JOB_ID, paused: true, lane: 'normal' }] };
const NOTHING: PacingMessage = {};

function sent({ source }: Pair): Promise<number> {
  return source.metric('entrepot_agent_bytes_total{kind="sent"}');
}

/** Settles once so many frames of the source wait. */
async function waiting({ source }: Pick<Pair, 'source'>, count: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    if ((await source.metric('entrepot_agent_pace_waiting')) === count) return;
    if (tries > 1000) throw new Error(`not ${count} frames wait`);
    await delay(5);
  }
}

/** Settles when the agent has heard all it was told before. */
async function heard(session: Session): Promise<void> {
  const answers = () => session.messages.filter(({ answer }) => answer).length;
  const before = answers();
  session.tell({ question: { questionId: before, imageId: IMAGE } });
  await eventually(() => answers() > before);
}

describe.each(['pull', 'push'] as const)('by %s, what is paused', (way) => {
  test('waits, whatever it is paused for and also while the hub is away, and then goes on', async () => {
    await using world = await World.make();
    const both = await pair(world, way);
    both.atSource.tell({ pacing: JOB });
    begin(world, way, both);
    await waiting(both, 1);
    for (const pacing of [store(both.copyId), store(both.sourceId)]) {
      both.atSource.tell({ pacing });
      await heard(both.atSource);
    }
    const limit = (storeId: string) =>
      both.source.metric(`entrepot_agent_pace_limit_bytes_per_second{store="${storeId}"}`);
    expect([await limit(both.sourceId), await limit(both.copyId)]).toEqual([0, Number.NaN]);
    await world.replaceHub();
    const adopted = await world.hub.session(both.sourceId);
    await heard(adopted);
    await waiting(both, 1);
    expect(await sent(both)).toBe(0);
    adopted.tell({ pacing: NOTHING });
    const atCopy = await world.hub.session(both.copyId);
    expect((await atCopy.result(KEY.taskId)).copied?.verifiedRoot).toBe(ROOT);
    expect(await sent(both)).toBeGreaterThan(0);
    const seconds = await both.source.metric('entrepot_agent_pace_wait_seconds_total{lane="normal"}');
    expect(seconds).toBeGreaterThan(0);
  });

  test('stops at once when it is paused in the middle', async () => {
    await using world = await World.make();
    const both = await pair(world, way);
    // The third chunk is not read before the pause has been heard.
    const read = Promise.withResolvers<void>();
    let reads = 0;
    both.source.store.around = (call, when) =>
      call === 'read' && when === 'before' && ++reads > 2 ? read.promise : undefined;
    begin(world, way, both);
    await eventually(() => reads > 2);
    while ((await sent(both)) === 0) await delay(5);
    both.atSource.tell({ pacing: JOB });
    await heard(both.atSource);
    const before = await sent(both);
    read.resolve();
    await waiting(both, 1);
    expect(await sent(both)).toBe(before);
    both.atSource.tell({ pacing: NOTHING });
    expect((await both.atCopy.result(KEY.taskId)).copied?.verifiedRoot).toBe(ROOT);
  });

  test('is cancelled at once, at both ends', async () => {
    await using world = await World.make();
    const both = await pair(world, way);
    both.atSource.tell({ pacing: store(both.copyId) });
    begin(world, way, both);
    await waiting(both, 1);
    both.atCopy.tell({ cancel: KEY });
    expect((await both.atCopy.result(KEY.taskId)).failure?.code).toBe('CANCELLED');
    await waiting(both, 0);
    expect(await both.source.metric('entrepot_agent_buffer_bytes')).toBe(0);
  });

  test('does not keep its image at the source from being deleted', async () => {
    await using world = await World.make();
    const both = await pair(world, way);
    both.atSource.tell({ pacing: JOB });
    begin(world, way, both);
    await waiting(both, 1);
    const task = { taskId: 'delete-1', attempt: 1, jobId: '', imageId: IMAGE, requestId: '' };
    both.atSource.tell({ assign: { ...task, delete: {} } });
    expect((await both.atSource.result('delete-1')).deleted).toEqual({});
    await waiting(both, 0);
  });

  test('keeps neither agent from stopping', async () => {
    await using world = await World.make();
    const both = await pair(world, way);
    both.atSource.tell({ pacing: store(both.sourceId) });
    begin(world, way, both);
    await waiting(both, 1);
    await both.source[Symbol.asyncDispose]();
    expect((await both.atCopy.result(KEY.taskId)).failure?.code).toBe('UNAVAILABLE');
  });

  test('outlives its ticket, when that is renewed', async () => {
    await using world = await World.make();
    const both = await pair(world, way);
    both.atSource.tell({ pacing: JOB });
    const [holderId, atStoreId] =
      way === 'pull' ? [both.copyId, both.sourceId] : [both.sourceId, both.copyId];
    const holder = { kind: 'store', storeId: holderId } as const;
    const signed = (nowMs: number) =>
      world.hub.ticket({ ...KEY, jobId: JOB_ID, imageId: IMAGE, action: way, holder, atStoreId }, nowMs);
    const endsAtMs = Date.now() + 2500;
    begin(world, way, both, signed(endsAtMs - TICKET_LIFETIME_MS - CLOCK_SKEW_MS));
    await waiting(both, 1);
    const atHolder = way === 'pull' ? both.atCopy : both.atSource;
    atHolder.tell({ renewedTicket: { ...KEY, ticket: signed(Date.now()) } });
    await eventually(() => Date.now() > endsAtMs + 200);
    await waiting(both, 1);
    both.atSource.tell({ pacing: NOTHING });
    expect((await both.atCopy.result(KEY.taskId)).copied?.verifiedRoot).toBe(ROOT);
  });
});

test('a download waits for the store it is read from, and for no other', async () => {
  await using world = await World.make();
  const source = await world.agent('central');
  const session = await world.hub.session('central');
  await world.ingest(session, IMAGE, BYTES);
  await using hub = new PullSource({
    address: source.agent.transferAddress,
    peer: 'central',
    credentials: await world.authority.credentials(HUB),
    expect: { kind: 'store', storeId: 'central' },
    ticket: world.hub.ticket({ ...KEY, imageId: IMAGE, action: 'pull', holder: HUB, atStoreId: 'central' }),
  });
  const download = () => collect(hub.pull(IMAGE, [{ firstChunk: 0, chunkCount: 2 }], NEVER));
  session.tell({ pacing: { ...JOB, ...store('dcn0') } });
  await heard(session);
  const frames = await download();
  expect(frames).not.toEqual([]);
  session.tell({ pacing: store('central') });
  await heard(session);
  const held = download();
  await waiting({ source }, 1);
  session.tell({ pacing: NOTHING });
  expect(await held).toEqual(frames);
});

test('a delivery that is held tells its receiver that it is there, which else would end it', async () => {
  const image = draw({ chunks: ['full', 'full'], missingBytes: 0 });
  const silenceMs = 400;
  const received: Frame[] = [];
  await using receiver = await serve(
    {
      Transfer: {
        Push: async (messages, write, { signal }) => {
          const pushed = messages[Symbol.asyncIterator]();
          await pushed.next();
          const frames = new PushedFrames(pushed, (request) => write(request), signal);
          const runs = [{ firstChunk: 0, chunkCount: 2 }];
          for await (const frame of frames.pull(IMAGE_ID, runs, signal)) received.push(frame);
        },
      },
    },
    {
      credentials: await authority.credentials({ kind: 'store', storeId: 'central' }),
      limits: { silenceMs },
    },
  );
  const credentials = await authority.credentials({ kind: 'store', storeId: 'dcn0' });
  using pacing = new Pacing({
    storeId: 'dcn0',
    clock: systemClock,
    onUnread: () => undefined,
    onWaited: () => undefined,
  });
  await using openImages = new OpenImages(await storeWith(image));
  const log = createLoggers({ component: 'agent', level: 'silent', storeId: 'dcn0' }).transfer;
  const deliveries = new Deliveries({
    openImages,
    pacing,
    onSent: () => undefined,
    credentials: () => credentials,
    revoked: new RevokedStores(Date.now, () => undefined),
    links: new Links({ connections: 1 }, { storeId: 'dcn0', pacing, log }),
    onRenewalRefused: () => undefined,
    helloAgainMs: silenceMs / 8,
  });
  const paused = { rate: '', paused: true };
  pacing.heed({ stores: new Map([['central', paused]]), jobs: new Map() });
  const delivered = deliveries.deliver({
    ...KEY,
    imageId: IMAGE_ID,
    jobId: undefined,
    receiverAddress: `127.0.0.1:${receiver.port}`,
    receiverStoreId: 'central',
    ticket: 'of the hub',
  });
  await eventually(() => pacing.waiting === 1);
  await delay(4 * silenceMs);
  expect(received).toEqual([]);
  pacing.heed({ stores: new Map(), jobs: new Map() });
  await delivered;
  const bytes = Buffer.concat(received.map(({ data }) => data));
  expect(bytes.equals(image)).toBe(true);
});
