import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Backoff } from '../../../src/agent/backoff.ts';
import { type Issued, saveCredentials } from '../../../src/agent/enrolment.ts';
import { OwnCredentials } from '../../../src/agent/own-credentials.ts';
import { RENEWAL_RETRY, Renewal } from '../../../src/agent/renewal.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import type { Credentials } from '../../../src/trust/credentials.ts';
import type { Identity } from '../../../src/trust/identity.ts';
import { publicKeyOfRequest } from '../../../src/trust/request.ts';
import { TestAuthority } from '../../trust/test-authority.ts';
import { type LogLine, refusalIn } from '../rpc/harness.ts';
import { Clock } from './clock.ts';
import { eventually } from './scripted-hub.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DCN0: Identity = { kind: 'store', storeId: 'dcn0' };

describe('the renewal of a certificate', () => {
  let authority: TestAuthority;
  let folder: string;
  let credentials: OwnCredentials;
  let clock: Clock;
  let lines: LogLine[];
  let answer: (request: Buffer) => Promise<Issued>;
  let asked: number;
  let stop: AbortController;
  let running: Promise<void>;

  beforeEach(async () => {
    authority = await TestAuthority.create();
    folder = await mkdtemp(join(tmpdir(), 'entrepot-renewal-'));
    await saveCredentials(folder, await authority.credentials(DCN0));
    credentials = await OwnCredentials.load(folder, 'dcn0');
    clock = new Clock();
    lines = [];
    asked = 0;
    answer = (request) => issue(request);
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await running;
    await rm(folder, { recursive: true, force: true });
  });

  function start(): Promise<number> {
    const target = { write: (line: string) => void lines.push(JSON.parse(line)) };
    const renewal = new Renewal({
      credentials,
      ask: (request) => {
        asked += 1;
        return answer(request);
      },
      log: createLoggers({ component: 'agent', level: 'info', target }).attach,
      backoff: new Backoff(RENEWAL_RETRY, () => 0.999999),
      now: clock.now,
      wait: clock.wait,
    });
    running = renewal.run(stop.signal);
    return clock.next(0);
  }

  async function issue(request: Buffer, identity = DCN0, by = authority, lifetimeMs = 90 * DAY_MS) {
    const certificate = await by.authority.issue(identity, await publicKeyOfRequest(request), { lifetimeMs });
    return { certificate, authorities: by.caPem };
  }

  async function onDisk(): Promise<Credentials> {
    return (await OwnCredentials.load(folder, 'dcn0')).current;
  }

  test('comes at two thirds of its life, with a new key, on disk and in use', async () => {
    const before = credentials.current;
    const told: Credentials[] = [];
    credentials.onChange((one) => void told.push(one));
    // A clock that is set forward is noticed within the hour.
    expect(await start()).toBe(HOUR_MS);
    clock.aheadMs = 20 * DAY_MS - HOUR_MS / 2;
    const leftMs = await clock.pass();
    expect(Math.abs(leftMs - HOUR_MS / 2)).toBeLessThan(60_000);
    expect(asked).toBe(0);
    clock.aheadMs = 20 * DAY_MS + 60_000;
    await clock.pass();
    await eventually(() => told.length === 1);
    const after = credentials.current;
    expect(told).toEqual([after]);
    expect(after.privateKeyPem).not.toBe(before.privateKeyPem);
    expect(await onDisk()).toEqual(after);
    expect(after.certificate.identity).toEqual(DCN0);
    const [line] = lines.filter(({ msg }) => msg === 'certificate renewed');
    expect(line).toMatchObject({ level: 'info', fingerprint: after.certificate.fingerprint });
    expect(JSON.stringify(lines)).not.toContain('PRIVATE KEY');
    await eventually(() => clock.waits.at(-1) === HOUR_MS);
    expect(asked).toBe(1);
  });

  test('is tried again with longer and longer pauses while the hub is away, and is said each time', async () => {
    clock.aheadMs = 21 * DAY_MS;
    answer = () => Promise.reject(new Refusal('UNAVAILABLE', 'cannot reach hub'));
    const pauses = [await start()];
    while (pauses.length < 14) pauses.push(await clock.pass());
    expect(pauses.slice(0, 4).map((ms) => Math.round(ms))).toEqual([1000, 2000, 4000, 8000]);
    expect(Math.round((pauses.at(-1) ?? 0) / 1000)).toBe(HOUR_MS / 1000);
    expect(lines[0]).toMatchObject({
      level: 'warn',
      code: 'UNAVAILABLE',
      msg: 'certificate not renewed, will try again: cannot reach hub',
    });
    answer = (request) => issue(request);
    await clock.pass();
    await eventually(() => lines.some(({ msg }) => msg === 'certificate renewed'));
  });

  test('is tried the more often the less life is left', async () => {
    clock.aheadMs = 21 * DAY_MS;
    answer = () => Promise.reject(new Refusal('UNAVAILABLE', 'cannot reach hub'));
    await start();
    for (let tries = 0; tries < 14; tries++) await clock.pass();
    clock.aheadMs = 30 * DAY_MS - HOUR_MS;
    expect(Math.round((await clock.pass()) / 60_000)).toBe(6);
    clock.aheadMs = 30 * DAY_MS - 60_000;
    expect(Math.round((await clock.pass()) / 1000)).toBe(6);
    // The last seconds, in which the test goes on as well.
    clock.aheadMs = 30 * DAY_MS - 4000;
    expect(await clock.pass()).toBe(500);
  });

  test('does not take what cannot be used', async () => {
    clock.aheadMs = 21 * DAY_MS;
    const before = await readFile(join(folder, 'identity.pem'), 'utf8');
    const stranger = await TestAuthority.create();
    const useless: [(request: Buffer) => Promise<Issued>, string][] = [
      [(request) => issue(request, { kind: 'store', storeId: 'dcn1' }), 'it is that of store dcn1'],
      [async (request) => ({ ...(await issue(request)), authorities: stranger.caPem }), 'signed it'],
      [(request) => issue(request, DCN0, authority, DAY_MS), 'not valid now'],
      [async () => ({ certificate: before, authorities: authority.caPem }), 'do not belong together'],
      [async () => ({ certificate: '', authorities: '' }), 'cannot be used'],
    ];
    answer = useless[0]?.[0] ?? answer;
    await start();
    for (const [next, words] of useless) {
      answer = next;
      lines.length = 0;
      await clock.pass();
      expect(lines[0]).toMatchObject({ code: 'CORRUPT', msg: expect.stringContaining(words) });
    }
    expect(await readFile(join(folder, 'identity.pem'), 'utf8')).toBe(before);
    expect(JSON.stringify(lines)).not.toContain('PRIVATE KEY');
  });

  test('does not ask for what it could not keep', async () => {
    clock.aheadMs = 21 * DAY_MS;
    await rename(folder, `${folder}.away`);
    await start();
    expect(asked).toBe(0);
    expect(lines[0]).toMatchObject({ code: 'FORBIDDEN', msg: expect.stringContaining('can be kept') });
    await rename(`${folder}.away`, folder);
  });

  test('does not ask with one that has expired, and goes on with what a join puts there', async () => {
    clock.aheadMs = 31 * DAY_MS;
    await start();
    expect(asked).toBe(0);
    expect(() => credentials.requireValid(clock.now())).toThrow(/expired at/);
    const joined = await authority.credentials(DCN0, { lifetimeMs: 90 * DAY_MS });
    await saveCredentials(folder, joined);
    await credentials.reload(createLoggers({ component: 'agent', level: 'silent' }).attach);
    expect(credentials.current.certificate).toEqual(joined.certificate);
    // Without waiting for the end of its pause.
    await eventually(() => clock.waits.at(-1) === HOUR_MS);
    credentials.requireValid(clock.now());
  });

  test('does not hammer a hub whose clock is weeks behind', async () => {
    clock.aheadMs = 25 * DAY_MS;
    answer = (request) => issue(request, DCN0, authority, 30 * DAY_MS);
    // Each new one is due at once.
    const pauses = [await start(), await clock.pass(), await clock.pass()];
    expect(pauses.map((ms) => Math.round(ms))).toEqual([1000, 2000, 4000]);
    expect(asked).toBe(3);
  });
});

describe('credentials in the folder of an agent', () => {
  test('of another store, or that cannot be read, are not taken, and that is said once', async () => {
    const authority = await TestAuthority.create();
    const folder = await mkdtemp(join(tmpdir(), 'entrepot-folder-'));
    const lines: LogLine[] = [];
    const target = { write: (line: string) => void lines.push(JSON.parse(line)) };
    const log = createLoggers({ component: 'agent', level: 'info', target }).attach;
    expect(await refusalIn(OwnCredentials.load(folder, 'dcn0'))).toMatchObject({
      code: 'NOT_FOUND',
      hint: expect.stringContaining('entrepot agent join'),
    });
    await saveCredentials(folder, await authority.credentials({ kind: 'store', storeId: 'dcn1' }));
    expect(await refusalIn(OwnCredentials.load(folder, 'dcn0'))).toMatchObject({
      code: 'INVALID',
      message: `${folder}: the certificate is that of store dcn1, not of store dcn0`,
    });
    const own = await authority.credentials(DCN0);
    await saveCredentials(folder, own);
    const credentials = await OwnCredentials.load(folder, 'dcn0');
    let changes = 0;
    credentials.onChange(() => {
      changes += 1;
    });
    await credentials.reload(log);
    await saveCredentials(folder, await authority.credentials({ kind: 'operator', name: 'alice' }));
    for (let at = 0; at < 3; at++) await credentials.reload(log);
    await rm(join(folder, 'identity.pem'));
    for (let at = 0; at < 3; at++) await credentials.reload(log);
    expect(lines.map(({ level, code }) => [level, code])).toEqual([
      ['warn', 'INVALID'],
      ['warn', 'NOT_FOUND'],
    ]);
    expect(credentials.current.certificate).toEqual(own.certificate);
    expect(changes).toBe(0);
    await rm(folder, { recursive: true });
  });
});
