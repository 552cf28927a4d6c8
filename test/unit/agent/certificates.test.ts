import { once } from 'node:events';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { saveCredentials } from '../../../src/agent/enrolment.ts';
import { fingerprintOf } from '../../../src/trust/certificate.ts';
import { type Identity, subjectOf } from '../../../src/trust/identity.ts';
import type { TestAuthority } from '../../trust/test-authority.ts';
import { gate } from '../rpc/harness.ts';
import { manifestOf, uploadOf } from '../transfer/samples.ts';
import { ingestMessage, sample, World } from './agent-bench.ts';
import { Clock } from './clock.ts';
import { eventually } from './scripted-hub.ts';

const DAY_MS = 86_400_000;
const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
const OTHER = '5b1d7e02-93f4-4c68-8a2b-1f7c9d3e6a44';
const DCN0: Identity = { kind: 'store', storeId: 'dcn0' };

/** SHA-256 of the certificate a server shows. */
async function shownAt(address: string, authority: TestAuthority): Promise<string> {
  const { caPem, chainPem, privateKeyPem } = await authority.credentials({
    kind: 'store',
    storeId: 'central',
  });
  const [host, port] = address.split(':');
  const client = { ca: caPem, cert: chainPem, key: privateKeyPem, checkServerIdentity: () => undefined };
  const socket = connect({ host, port: Number(port), ALPNProtocols: ['h2'], ...client });
  await once(socket, 'secureConnect');
  const shown = socket.getPeerX509Certificate();
  socket.destroy();
  return shown === undefined ? '' : fingerprintOf(shown);
}

test('a certificate is renewed under load: a copy, an upload and a delivery go on over it', async () => {
  await using world = await World.make();
  world.hub.issues = { lifetimeMs: 90 * DAY_MS };
  const clock = new Clock();
  const central = await world.agent('central');
  const edge = await world.agent('dcn0', {}, { now: clock.now, wait: clock.wait });
  const bytes = sample(12);
  await world.ingest(await world.hub.session('central'), IMAGE, bytes);
  const session = await world.hub.session('dcn0');
  const held = gate();
  edge.store.around = (call, when) => (call === 'write' && when === 'before' ? held.opened : undefined);
  const from = central.agent.transferAddress;
  session.tell(world.copyMessage({ taskId: 'copy-1', attempt: 1, imageId: IMAGE, bytes, from }));
  const uploaded = sample(3);
  world.hub.uploads.set('ingest-1', async function* () {
    const frames = [...uploadOf(uploaded)];
    yield* frames.slice(0, 2);
    await held.opened;
    yield* frames.slice(2);
  });
  session.tell(ingestMessage('ingest-1', 1, OTHER, uploaded.length));
  await eventually(() => session.phases('copy-1').includes('transferring'));
  await eventually(() => session.phases('ingest-1').includes('transferring'));
  const before = session.fingerprint;
  const expiry = await edge.metric('entrepot_certificate_expires_timestamp_seconds');

  // A certificate's time counts in whole seconds: issued in the second of the first, it would not be its renewal.
  world.hub.issues = { lifetimeMs: 90 * DAY_MS, nowMs: Date.now() + 2000 };
  clock.aheadMs = 21 * DAY_MS;
  await clock.pass();
  const adopted = await world.hub.session('dcn0', session);
  expect(adopted.fingerprint).not.toBe(before);
  expect(adopted.running.sort()).toEqual(['copy-1/1', 'ingest-1/1']);
  await eventually(() => session.isOver);
  // Nobody was told that the hub was lost, for it was not.
  expect(edge.lines.filter(({ msg }) => msg.startsWith('not attached'))).toEqual([]);
  expect(edge.agent.readiness.isReady).toBe(true);
  held.open();
  expect((await adopted.result('copy-1')).copied?.verifiedRoot).toBe(manifestOf(bytes).root);
  expect((await adopted.result('ingest-1')).ingested?.root).toBe(manifestOf(uploaded).root);
  expect(edge.lines.filter(({ msg }) => msg === 'copy starts')).toHaveLength(1);
  expect(await edge.metric('entrepot_certificate_expires_timestamp_seconds')).toBeGreaterThan(expiry);

  // Whoever dials it now is shown the new one.
  expect(await shownAt(edge.agent.transferAddress, world.authority)).toBe(adopted.fingerprint);

  // A delivery that began with the old one goes on, too; and the next renewal finds the agent as it was.
  await using _ended = { [Symbol.asyncDispose]: async () => held.open() };
  const reading = gate();
  edge.store.around = (call, when) => (call === 'read' && when === 'before' ? reading.opened : undefined);
  const order = { taskId: 'copy-2', attempt: 1, imageId: OTHER };
  const atCentral = await world.hub.session('central');
  atCentral.tell(world.copyMessage({ ...order, bytes: uploaded, from: '', to: 'central' }));
  adopted.tell(world.serveMessage({ ...order, receiver: central }));
  await eventually(() => edge.store.calls.includes('read'));
  world.hub.issues = { lifetimeMs: 90 * DAY_MS, nowMs: Date.now() + 4000 };
  clock.aheadMs = 70 * DAY_MS;
  await clock.pass();
  const third = await world.hub.session('dcn0', adopted);
  expect(third.fingerprint).not.toBe(adopted.fingerprint);
  reading.open();
  expect((await atCentral.result('copy-2')).copied?.verifiedRoot).toBe(manifestOf(uploaded).root);
});

test('a certificate that has expired: what to do is said, and then it goes on by itself', async () => {
  await using world = await World.make();
  const folder = await world.credentials('dcn0', await world.authority.expired(DCN0));
  // What a person does counts at once, however seldom it dials.
  const edge = await world.startAgent('dcn0', {}, { redial: { minMs: 60_000, maxMs: 60_000 } });
  const reason = await eventually(() => edge.agent.readiness.reasons.find((one) => one.includes('expired')));
  expect(reason).toMatch(/^hub: the certificate of this agent expired at \d{4}-/);
  expect(reason).toContain('`entrepot store add dcn0` at the hub');
  expect(reason).toContain('`entrepot agent join`');
  const said = () => edge.lines.filter(({ level }) => level === 'error');
  expect(await eventually(() => said().length > 0 && said())).toMatchObject([
    { code: 'UNAUTHENTICATED', hint: expect.stringContaining('entrepot store add dcn0') },
  ]);
  expect(world.hub.hellos).toBe(0);
  expect(await edge.metric('entrepot_agent_attached')).toBe(0);
  await saveCredentials(folder, await world.authority.credentials(DCN0));
  await edge.agent.readiness.firstReady;
  const session = await world.hub.session('dcn0');
  expect(subjectOf(DCN0)).toBe(`store/${session.hello.storeId}`);
  expect(said()).toHaveLength(1);
});
