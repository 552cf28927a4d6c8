import { readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Authority } from '../../../src/trust/authority.ts';
import { readCertificate } from '../../../src/trust/certificate.ts';
import { issueBy, saveIn } from '../../cloud/forge.ts';
import { waitFor } from '../../cloud/wait.ts';
import { settled } from '../../unit/rpc/harness.ts';
import { Bench, MIB } from '../helpers-file.ts';

const DAY_MS = 86_400_000;

/** Agents' certificates live so long here: each lives through several renewals. */
const LIFETIME_SECONDS = 18;

const DATA_MIB = 96;

let bench: Bench;
let authority: Authority;
let sample: string;
let id: string;

beforeAll(async () => {
  bench = await Bench.start({ hub: { certificates: { agent_lifetime_seconds: LIFETIME_SECONDS } } });
  authority = await Authority.open({
    certificatePem: (await bench.cloud.operator()).caPem,
    privateKeyPem: await readFile(join(bench.cloud.credentialsOf('hub'), 'ca.key'), 'utf8'),
  });
  sample = await bench.sample('trust', DATA_MIB, DATA_MIB);
  id = await bench.bring('trust', sample);
}, 120_000);
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});
afterEach(() => bench.line.release());

/** What the agent says to probes while it is not ready. */
async function unready(storeId: string, part: string): Promise<string> {
  return await waitFor(`${storeId} to say ${part}`, async () => {
    const port = bench.daemon(storeId).options.httpPort;
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    const { detail = '' } = ((await answer?.json()) ?? {}) as { detail?: string };
    return answer?.status === 503 && detail.includes(part) ? detail : undefined;
  });
}

function certificate(storeId: string) {
  const text = readFileSync(join(bench.cloud.credentialsOf(storeId), 'identity.pem'), 'utf8');
  return readCertificate(text.slice(text.indexOf('-----BEGIN CERTIFICATE')));
}

const fingerprint = (storeId: string) => certificate(storeId).fingerprint;
const lifeLeftMs = (storeId: string) => certificate(storeId).notAfterMs - Date.now();

function sameBytes(storeId: string): boolean {
  return readFileSync(bench.wholeFile(storeId, id)).equals(readFileSync(sample));
}

async function removeCopy(storeId: string): Promise<void> {
  const { exitCode, stderr } = await bench.cloud.cli(
    'image',
    'delete-copy',
    id,
    '--store',
    storeId,
    '--wait',
  );
  if (exitCode !== 0) throw new Error(stderr);
}

describe('renewal under load', () => {
  test('a copy that outlives the certificate it began with goes on in its first attempt', async () => {
    const before = fingerprint('dcn0');
    const part = 8 * MIB;
    const seen = new Set([before]);
    const job = await bench.copy(id, 'dcn0');
    // Slow enough to take longer than a certificate lives, and never silent for as long as a probe waits.
    for (let moved = 0; moved < DATA_MIB * MIB - part; moved += part) {
      bench.line.holdAfter(part);
      await bench.line.held();
      await delay(((LIFETIME_SECONDS * 1000) / DATA_MIB) * 10);
      seen.add(fingerprint('dcn0'));
    }
    bench.line.release();
    const ended = await bench.ended(job.id);
    expect(ended).toMatchObject({ state: 'succeeded' });
    expect(ended.tasks.map(({ attempt }) => attempt)).toEqual([1]);
    expect(seen.size).toBeGreaterThanOrEqual(2);
    expect(sameBytes('dcn0')).toBe(true);
    await removeCopy('dcn0');
  }, 90_000);

  test('all agents stay attached over many lives of their certificates', async () => {
    await waitFor(
      'each agent to have a third certificate',
      () =>
        bench.cloud.storeIds.every((storeId) => bench.daemon(storeId).isRunning && renewals(storeId) >= 2),
      60_000,
    );
    for (const storeId of bench.cloud.storeIds) await bench.daemon(storeId).ready();
  }, 90_000);

  function renewals(storeId: string): number {
    return bench.log(storeId).filter(({ msg }) => msg.includes('certificate') && msg.includes('renewed'))
      .length;
  }
});

describe('a store that is revoked in the middle of a copy', () => {
  test('is cut off at once, harms nobody else, and goes on after it has joined anew', async () => {
    const before = bench.line.forwardedBytes;
    bench.line.holdAfter(32 * MIB);
    const job = await bench.copy(id, 'dcn0');
    await bench.line.held();
    const { exitCode, stderr } = await bench.cloud.cli('store', 'revoke', 'dcn0');
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    bench.line.release();
    expect(await unready('dcn0', 'revoked')).toContain('revoked');
    // What comes over the line now had left central before: it ends, far from the end of the image.
    expect(await settled(() => bench.line.forwardedBytes, 1000)).toBeLessThan(before + (32 + 32) * MIB);
    expect((await bench.cloud.json<{ id: string; state: string }[]>('store', 'list')).length).toBe(3);
    expect(await bench.holders(id)).toEqual(['central']);

    // Another site is served meanwhile.
    const other = await bench.cloud.cli('image', 'list');
    expect(other.exitCode).toBe(0);

    const tokenFile = join(bench.folder, 'dcn0.token');
    expect(await bench.cloud.cli('store', 'add', 'dcn0', '--token-file', tokenFile)).toMatchObject({
      exitCode: 0,
    });
    const config = join(bench.folder, 'agent-dcn0.yaml');
    const joined = await bench.cloud.cli('agent', 'join', '--config', config, '--token-file', tokenFile);
    expect(joined.stderr).toBe('');
    expect(joined.exitCode).toBe(0);
    // The agent that runs takes it up by itself, and the copy goes on.
    expect(await bench.ended(job.id, 60_000)).toMatchObject({ state: 'succeeded' });
    expect(sameBytes('dcn0')).toBe(true);
    expect(Number(bench.traffic('dcn0', id)?.['resumedBytes'])).toBeGreaterThan(0);

    const again = await bench.cloud.cli('agent', 'join', '--config', config, '--token-file', tokenFile);
    expect(again.exitCode).not.toBe(0);
    expect(again.stderr).toMatch(/used/);
    await removeCopy('dcn0');
  }, 120_000);
});

describe('a hub that is killed and comes back', () => {
  test('has all its agents again, and the copy under way goes on', async () => {
    // Who expires while the hub is away has to join anew: that is not what is looked at here.
    await waitFor('each certificate to have half of its life left', () =>
      bench.cloud.storeIds.every((storeId) => lifeLeftMs(storeId) > LIFETIME_SECONDS * 500),
    );
    bench.line.holdAfter(32 * MIB);
    const job = await bench.copy(id, 'dcn1');
    await bench.line.held();
    await bench.cloud.hub.kill('SIGKILL');
    bench.line.release();
    await bench.cloud.hub.start();
    for (const storeId of bench.cloud.storeIds) await bench.daemon(storeId).ready();
    expect(await bench.ended(job.id)).toMatchObject({ state: 'succeeded' });
    expect(sameBytes('dcn1')).toBe(true);
    await removeCopy('dcn1');
  }, 90_000);
});

describe('a certificate that is not good', () => {
  test('of another authority: neither side believes the other', async () => {
    const stranger = await Authority.open(await Authority.create('Entrepot'));
    const folder = join(bench.folder, 'stranger');
    await saveIn(folder, await issueBy(stranger, { kind: 'operator', name: 'admin' }));
    const both = await bench.cloud.cliAs(folder, 'store', 'list');
    expect(both.exitCode).toBe(5);
    expect(both.stderr).toMatch(/certificate/);
    // It believes our hub, and the hub does not believe it.
    const { caPem } = await bench.cloud.operator();
    const half = await issueBy(stranger, { kind: 'operator', name: 'admin' });
    await saveIn(folder, { ...half, caPem });
    const refused = await bench.cloud.cliAs(folder, 'store', 'list');
    expect(refused.exitCode).toBe(5);
    expect(refused.stderr).toMatch(/certificate/);
  });

  test('that has expired: an operator is told so, and an agent waits with the commands to run', async () => {
    const old = { nowMs: Date.now() - 200 * DAY_MS };
    const folder = join(bench.folder, 'expired');
    await saveIn(folder, await issueBy(authority, { kind: 'operator', name: 'admin' }, old));
    const { exitCode, stderr } = await bench.cloud.cliAs(folder, 'store', 'list');
    expect(exitCode).toBe(5);
    expect(stderr).toMatch(/expired/);

    expect(await bench.daemon('dcn1').stop()).toBe(0);
    await saveIn(
      bench.cloud.credentialsOf('dcn1'),
      await issueBy(authority, { kind: 'store', storeId: 'dcn1' }, old),
    );
    bench.daemon('dcn1').spawn();
    expect(await unready('dcn1', 'expired')).toContain('entrepot agent join');
    // With good ones in their place it goes on, without a restart.
    await bench.cloud.join('dcn1', await bench.cloud.addStore('dcn1'));
    await bench.daemon('dcn1').ready();
  }, 90_000);

  test('of one store cannot speak for another', async () => {
    expect(await bench.daemon('dcn1').stop()).toBe(0);
    const own = bench.cloud.credentialsOf('dcn1');
    await saveIn(own, await issueBy(authority, { kind: 'store', storeId: 'dcn0' }));
    bench.daemon('dcn1').spawn();
    await waitFor('dcn1 to be refused or to refuse itself', () =>
      /dcn0/.test(bench.daemon('dcn1').log().split('\n').slice(-8).join('\n')),
    );
    const stores = await bench.cloud.json<{ id: string; online: boolean }[]>('store', 'list');
    expect(stores.find((store) => store.id === 'dcn1')?.online).toBe(false);
    await bench.daemon('dcn1').stop();
    await rm(join(own, 'identity.pem'));
    await bench.cloud.join('dcn1', await bench.cloud.addStore('dcn1'));
    await bench.daemon('dcn1').start();
  }, 90_000);
});
