import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Refusal } from '../../../src/domain/refusal.ts';
import { Attachments } from '../../../src/hub/attachments.ts';
import { Downloads } from '../../../src/hub/downloads.ts';
import { Pacing } from '../../../src/hub/pacing.ts';
import { Tickets } from '../../../src/hub/tickets.ts';
import { callServerStream } from '../../../src/rpc/calls.ts';
import { Images, Operators, Stores } from '../../../src/rpc/proto.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import type { Credentials } from '../../../src/trust/credentials.ts';
import { HUB, type Identity } from '../../../src/trust/identity.ts';
import { TicketReader } from '../../../src/trust/ticket.ts';
import { waitFor } from '../../cloud/wait.ts';
import { TestAuthority } from '../../trust/test-authority.ts';
import { rsaKeys, TestOrganisation } from '../../trust/test-organisation.ts';
import { Scratch } from '../catalogue/scratch.ts';
import { attach, IMAGE, putImage } from './central-image.ts';
import { FakeCentral, FRAME } from './fake-central.ts';
import { FakeAgent, MIB, refusalOf, TestHub } from './test-hub.ts';

const CENTRAL: Identity = { kind: 'store', storeId: 'central' };
const WAIT_MS = 5000;

const authority = await TestAuthority.create();
const hubCredentials = await authority.credentials(HUB);
const centralCredentials = await authority.credentials(CENTRAL);

let scratch: Scratch;
let attachments: Attachments;
beforeEach(() => {
  scratch = new Scratch();
  scratch.nowMs = Date.now();
  putImage(scratch);
});
afterEach(() => {
  vi.useRealTimers();
  scratch[Symbol.dispose]();
});

/** The hub's downloads, with an agent of central to read from. */
async function downloadsFrom(
  central: FakeCentral,
  {
    credentials = hubCredentials,
    renewalMs = 60_000,
  }: { credentials?: Credentials; renewalMs?: number } = {},
): Promise<Downloads> {
  const { catalogue } = scratch;
  const tickets = new Tickets({ catalogue, credentials: () => credentials, now: () => scratch.nowMs });
  attachments = new Attachments(tickets, new Pacing(catalogue));
  attach(attachments, 'central', await central.start());
  return new Downloads({ catalogue, attachments, tickets, credentials: () => credentials, renewalMs });
}

const never = new AbortController().signal;
const ignore = async () => undefined;

function send(downloads: Downloads, operator: string, write: (frame: Frame) => Promise<void> = ignore) {
  const sent = downloads.send({ imageId: IMAGE, operator }, write, never);
  // Whoever waits for it is told; until then nobody may.
  sent.catch(() => undefined);
  return sent;
}

test('a download shows the central agent tickets of the hub’s own, and renews them while it lasts', async () => {
  await using central = new FakeCentral(centralCredentials);
  const downloads = await downloadsFrom(central, { renewalMs: 20 });
  const frames: Frame[] = [];
  const sent = send(downloads, 'alice', async (frame) => void frames.push(frame));
  await waitFor('two renewals', () => central.renewals.length >= 2, WAIT_MS);
  expect(central.desk.size).toBe(1);
  central.release();
  await sent;
  expect(frames.map(({ offset, last }) => ({ offset, last }))).toEqual([
    { offset: 0, last: false },
    { offset: FRAME.length, last: true },
    { offset: MIB, last: true },
  ]);
  expect(Buffer.from(frames[0]?.data ?? '')).toEqual(FRAME);
  const reader = new TicketReader(authority.caPem);
  const shown = [...central.pulls.map(({ ticket }) => ticket), ...central.renewals];
  const read = shown.map((ticket) => reader.read(ticket, scratch.nowMs));
  expect(new Set(read.map(({ taskId, attempt }) => `${taskId}/${attempt}`)).size).toBe(1);
  expect(read[0]).toMatchObject({ action: 'pull', imageId: IMAGE, holder: HUB, atStoreId: 'central' });
  // Nothing is left of it there.
  await waitFor('the end of the stream', () => central.desk.size === 0, WAIT_MS);
});

test('a download whose ticket cannot be renewed ends, and nothing else with it', async () => {
  await using central = new FakeCentral(centralCredentials);
  let credentials = hubCredentials;
  const { catalogue } = scratch;
  const tickets = new Tickets({ catalogue, credentials: () => credentials, now: () => scratch.nowMs });
  attachments = new Attachments(tickets, new Pacing(catalogue));
  attach(attachments, 'central', await central.start());
  const current = () => credentials;
  const downloads = new Downloads({ catalogue, attachments, tickets, credentials: current, renewalMs: 20 });
  const sent = refusalOf(send(downloads, 'alice'));
  await waitFor('the download', () => central.pulls.length === 1, WAIT_MS);
  credentials = { ...hubCredentials, privateKeyPem: 'no key' };
  expect(await sent).toMatchObject({ code: expect.stringMatching(/^(INTERNAL|INVALID)$/) });
});

test('a download in the cloud of an organisation shows all certificates up to its root, however long', async () => {
  const root = await TestOrganisation.create('an organisation', rsaKeys(4096));
  const lower = await (await root.below('upper')).below('lower');
  await using central = new FakeCentral(await lower.credentials(CENTRAL));
  const downloads = await downloadsFrom(central, { credentials: await lower.credentials(HUB) });
  const sent = send(downloads, 'alice');
  central.release();
  await sent;
  expect(central.pulls[0]?.ticket.length).toBeGreaterThan(6000);
});

describe('downloads under way', () => {
  test('are eight for one operator, and others get theirs', async () => {
    await using central = new FakeCentral(centralCredentials);
    const downloads = await downloadsFrom(central);
    const first = Array.from({ length: 8 }, () => send(downloads, 'alice'));
    const refusal = await refusalOf(send(downloads, 'alice'));
    expect(refusal).toMatchObject({
      code: 'RATE_LIMITED',
      message: 'operator alice has 8 downloads under way, which is as many as it may',
      hint: expect.stringContaining('end first'),
    });
    const other = send(downloads, 'bob');
    await waitFor('all that may', () => central.pulls.length === 9, WAIT_MS);
    central.release();
    await Promise.all([...first, other]);
    // Those that ended make room, and so do those that failed.
    await send(downloads, 'alice');
    const stopped = Array.from({ length: 8 }, () =>
      send(downloads, 'alice', () => Promise.reject(new Error('the operator has left'))),
    );
    await Promise.allSettled(stopped);
    await send(downloads, 'alice');
  });

  test('are 48 of all operators, which the central agent takes of the hub', async () => {
    await using central = new FakeCentral(centralCredentials);
    const downloads = await downloadsFrom(central);
    const sent = Array.from({ length: 48 }, (_, at) => send(downloads, `operator-${at % 6}`));
    await waitFor('all that may', () => central.pulls.length === 48, 15_000);
    const refusal = await refusalOf(send(downloads, 'alice'));
    expect(refusal).toMatchObject({ code: 'RATE_LIMITED', hint: expect.stringContaining('try again') });
    expect(refusal.message).toContain('48 downloads');
    central.release();
    await Promise.all(sent);
    await send(downloads, 'alice');
  });

  test('are begun ten a second by one operator, whatever becomes of them', async () => {
    await using central = new FakeCentral(centralCredentials);
    const downloads = await downloadsFrom(central);
    // Time stands still, but for what the test waits for.
    vi.useFakeTimers({ toFake: ['performance'] });
    const gone = AbortSignal.abort();
    const codes: string[] = [];
    for (let count = 0; count < 41; count++) {
      codes.push((await refusalOf(downloads.send({ imageId: IMAGE, operator: 'alice' }, ignore, gone))).code);
    }
    expect(codes.slice(0, 40)).toEqual(Array(40).fill('CANCELLED'));
    expect(codes[40]).toBe('RATE_LIMITED');
    vi.advanceTimersByTime(101);
    const sent = refusalOf(downloads.send({ imageId: IMAGE, operator: 'alice' }, ignore, gone));
    expect((await sent).code).toBe('CANCELLED');
  });
});

describe('a store that is cut off', () => {
  const REASON = { code: 'UNAUTHENTICATED', message: 'store central was revoked' } as Refusal;

  test('is not read from any more, also when the operator takes nothing', async () => {
    await using central = new FakeCentral(centralCredentials);
    const downloads = await downloadsFrom(central, { renewalMs: 20 });
    const stuck = send(downloads, 'alice', () => new Promise(() => undefined));
    const waiting = send(downloads, 'bob');
    await waitFor('both', () => central.pulls.length === 2 && central.renewals.length > 2, WAIT_MS);
    downloads.endFrom('dcn0', REASON);
    expect(central.pulls.map(({ signal }) => signal.aborted)).toEqual([false, false]);
    downloads.endFrom('central', REASON);
    for (const sent of [stuck, waiting]) {
      expect(await refusalOf(sent)).toMatchObject({
        code: 'UNAVAILABLE',
        message: 'the download was broken off: store central was revoked',
        hint: expect.stringContaining('entrepot store list'),
      });
    }
    const left = () => central.pulls.every(({ signal }) => signal.aborted);
    await waitFor('the hub to leave', left, WAIT_MS);
    // Nor does it renew its tickets there.
    const before = central.renewals.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(central.renewals.length).toBe(before);
  });

  test('is not chosen as a source, though its agent is here still', async () => {
    await using central = new FakeCentral(centralCredentials);
    const downloads = await downloadsFrom(central);
    central.release();
    scratch.catalogue.transact(() => scratch.catalogue.stores.revoke('central'));
    expect(await refusalOf(send(downloads, 'alice'))).toMatchObject({
      code: 'UNAVAILABLE',
      message: 'the agent of central is cut off: nothing is read from it',
      hint: expect.stringContaining('entrepot store add central'),
    });
    expect(central.pulls).toEqual([]);
    scratch.catalogue.transact(() => scratch.catalogue.stores.admit('central'));
    await send(downloads, 'alice');
  });

  test('nor is one that is paused', async () => {
    await using central = new FakeCentral(centralCredentials);
    const downloads = await downloadsFrom(central);
    central.release();
    scratch.catalogue.transact(() => scratch.catalogue.stores.pause('central'));
    expect(await refusalOf(send(downloads, 'alice'))).toMatchObject({
      code: 'UNAVAILABLE',
      message: 'store central is paused: nothing is read from it',
      hint: expect.stringContaining('entrepot store resume central'),
    });
    expect(central.pulls).toEqual([]);
    scratch.catalogue.transact(() => scratch.catalogue.stores.resume('central'));
    await send(downloads, 'alice');
  });
});

describe('at a hub', () => {
  let hub: TestHub;
  let image: string;
  let agent: FakeAgent;
  let central: FakeCentral;
  beforeEach(async () => {
    hub = await TestHub.start();
    agent = await hub.site('central', 'central');
    image = (await hub.image(await hub.admin(), agent)).id;
    central = new FakeCentral(agent.credentials);
    // Where central can be dialled.
    const transferAddress = await central.start();
    agent.end();
    await agent.ended;
    agent = new FakeAgent(hub, agent.credentials, 'central');
    const pool = { driver: 'file', fsid: 'central', pool: 'images' };
    await agent.say({ hello: { storeId: 'central', version: '1', transferAddress, running: [], ...pool } });
    await agent.say({
      inventory: { images: [{ imageId: image, form: 'whole', sizeBytes: MIB }], last: true },
    });
    await agent.next(({ welcome }) => welcome);
  });
  afterEach(async () => {
    await central[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();
  });

  /** Settles when the download has ended, which the hub makes for `operator`. */
  async function download(operator: Credentials): Promise<number> {
    let bytes = 0;
    const frames = callServerStream(hub.channel(operator), Images.Download, { imageId: image });
    for await (const { data } of frames) bytes += data.length;
    return bytes;
  }

  test.each(['revoked', 'joined anew'] as const)('a store that is %s ends its downloads', async (how) => {
    const admin = await hub.admin();
    const edge = await hub.site('dcn0');
    const ended = refusalOf(download(admin));
    await waitFor('the download', () => central.pulls.length === 1, WAIT_MS);
    // Another store is none of its business.
    await hub.call(admin, Stores.Revoke, { id: 'dcn0' });
    await edge.ended;
    expect(central.pulls[0]?.signal.aborted).toBe(false);
    if (how === 'revoked') await hub.call(admin, Stores.Revoke, { id: 'central' });
    else await hub.join(await hub.addStore('central'));
    const { code, message } = await ended;
    expect(code).toBe('UNAVAILABLE');
    expect(message).toMatch(/^the download was broken off: .*store central/);
    await waitFor('the hub to leave', () => central.pulls[0]?.signal.aborted, WAIT_MS);
    expect((await refusalOf(download(admin))).code).toBe('UNAVAILABLE');
  });

  test('reads the store that is named, from where it is told to', async () => {
    const admin = await hub.admin();
    const ask = (request: { storeId?: string; fromByte?: number }) =>
      refusalOf(callServerStream(hub.channel(admin), Images.Download, { imageId: image, ...request }).next());
    expect(await ask({ storeId: 'dcn7' })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await ask({ fromByte: 1 })).toMatchObject({ code: 'INVALID' });
  });

  test('counts the downloads of an operator together, whatever it shows', async () => {
    const admin = await hub.admin();
    const again = await hub.certificateOf(admin, 'admin');
    const under = Array.from({ length: 8 }, (_, at) => download(at % 2 === 0 ? admin : again));
    await waitFor('all that may', () => central.pulls.length === 8, WAIT_MS);
    expect(await refusalOf(download(again))).toMatchObject({ code: 'RATE_LIMITED' });
    await hub.call(admin, Operators.Add, { name: 'rita', role: 'admin' });
    const other = download(await hub.certificateOf(admin, 'rita'));
    central.release();
    expect(new Set(await Promise.all([...under, other]))).toEqual(new Set([2 * FRAME.length]));
    expect(await hub.events({ actor: 'operator/admin' })).toContainEqual(
      expect.objectContaining({ kind: 'request.refused', outcome: 'RATE_LIMITED' }),
    );
  });
});
