import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { Refusal } from '../../../src/domain/refusal.ts';
import { callDuplex } from '../../../src/rpc/calls.ts';
import { controlChannel } from '../../../src/rpc/channel.ts';
import { Agents } from '../../../src/rpc/proto.ts';
import { loadCredentials } from '../../../src/trust/credentials.ts';
import { HUB } from '../../../src/trust/identity.ts';
import { DaemonProcess, ENTREPOT } from '../../cloud/daemon-process.ts';
import { waitFor } from '../../cloud/wait.ts';
import {
  agentConfig,
  Bench,
  type CliOutcome,
  CliProcess,
  expectJsonRefusal,
  expectTextRefusal,
  logLines,
  type Refused,
} from '../helpers-file.ts';

/** A hub that runs, and central and dcn0 at it; dcn1 is configured and was never there. */
let bench: Bench;
let hubConfig: Record<string, unknown>;
let dcn1: Record<string, unknown>;
const extra: DaemonProcess[] = [];

beforeAll(async () => {
  bench = await Bench.create();
  const { cloud } = bench;
  dcn1 = agentConfig(cloud, 'dcn1');
  for (const name of ['hub', 'central', 'dcn0']) bench.daemon(name).spawn();
  for (const name of ['hub', 'central', 'dcn0']) await bench.daemon(name).ready();
  hubConfig = {
    listen: { grpc: '127.0.0.1:0', http: '127.0.0.1:0' },
    catalogue: 'other.sqlite',
    credentials: cloud.credentialsOf('hub'),
  };
  await bench.bring('good', await bench.sample('good', 8, 4), '--stores', 'dcn0');
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});
afterEach(async () => {
  await Promise.all(extra.splice(0).map((one) => one.kill('SIGKILL')));
});

/** A configuration file in a folder of its own. */
function configFile(name: string, content: Record<string, unknown> | string): string {
  const path = join(bench.folder, 'extra', name, 'config.yaml');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : stringify(content));
  return path;
}

/** The configuration of another agent of dcn1, in a folder of its own, on ports that are free. */
function anotherAgent(change: Record<string, unknown>): Record<string, unknown> {
  const listen = { transfer: '127.0.0.1:0', http: '127.0.0.1:0' };
  return { ...dcn1, listen, ...change };
}

async function run(...args: string[]): Promise<CliOutcome> {
  const command = new CliProcess(args);
  const timer = setTimeout(() => command.child.kill('SIGKILL'), 15_000);
  return command.exited.finally(() => clearTimeout(timer));
}

/** It ends by itself with one complaint. What it logged before that is on stdout. */
async function expectNoStart(kind: 'hub' | 'agent', config: string, refused: Refused): Promise<void> {
  const [text, json] = await Promise.all([
    run(kind, '--config', config),
    run('-o', 'json', kind, '--config', config),
  ]);
  for (const line of logLines(text.stdout)) expect(line['level']).toBe('info');
  expectTextRefusal({ ...text, stdout: '' }, refused);
  expectJsonRefusal({ ...json, stdout: '' }, refused);
}

/** What the daemon says to probes once it says `part`; it stays up. */
async function unready(daemon: DaemonProcess, part: string): Promise<string> {
  return await waitFor(`${daemon.options.name} to say ${part}`, async () => {
    expect(daemon.isRunning).toBe(true);
    const answer = await fetch(`http://127.0.0.1:${daemon.options.httpPort}/readyz`).catch(() => undefined);
    const { detail } = ((await answer?.json()) ?? {}) as { detail?: string };
    return answer?.status === 503 && detail?.includes(part) ? detail : undefined;
  });
}

/** An agent of dcn1 with changes to its configuration, started; it goes with the test. */
function startAgent(change: Record<string, unknown>): DaemonProcess {
  bench.configure('dcn1', { ...dcn1, ...change });
  const daemon = new DaemonProcess(bench.daemon('dcn1').options);
  extra.push(daemon);
  daemon.spawn();
  return daemon;
}

async function stores(): Promise<unknown> {
  return (await bench.calls.listStores()).map(({ id, online, driver, fsid }) => ({
    id,
    online,
    driver,
    fsid,
  }));
}

describe('a daemon whose configuration is wrong does not start, and says where it is wrong', () => {
  const TYPO_HUB = 'catalogue: c.sqlite\nqueue:\n  widht: 3\nlog:\n  level: loud\n';
  const TYPO_AGENT = 'store: dcn0\nhub: 127.0.0.1:7440\ndriver: {type: flie, folder: x}\n';

  test('hub: a typo in a key and a value nobody knows, both told with line and column', async () => {
    const path = configFile('typo', TYPO_HUB);
    const refused: Refused = {
      exit: 2,
      code: 'INVALID',
      says: `:3:3: queue.widht: unknown key; did you mean width?\n${path}:5:10: log.level: must be one of`,
      hint: `\`entrepot config check ${path}\``,
    };
    await expectNoStart('hub', path, refused);
    expectTextRefusal(await run('config', 'check', path), refused);
    expectJsonRefusal(await run('-o', 'json', 'config', 'check', path), refused);
  });

  test('agent: a driver nobody knows', async () => {
    const path = configFile('typo', TYPO_AGENT);
    const refused: Refused = {
      exit: 2,
      code: 'INVALID',
      says: `${path}:3:16: driver.type: `,
      hint: 'config check',
    };
    await expectNoStart('agent', path, refused);
    expectTextRefusal(await run('config', 'check', path), refused);
  });

  test('a file that is not there, and one that is the other daemon’s', async () => {
    const absent = join(bench.folder, 'absent.yaml');
    await expectNoStart('hub', absent, {
      exit: 3,
      code: 'NOT_FOUND',
      says: `configuration file ${absent} is not there`,
      hint: 'config/ has examples',
    });
    const path = configFile('mixed-up', anotherAgent({}));
    await expectNoStart('hub', path, {
      exit: 2,
      code: 'INVALID',
      says: 'store: unknown key',
      hint: 'config check',
    });
    const good = await run('config', 'check', path);
    expect(good).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

describe('a daemon that would be in the way of another does not start', () => {
  const inUse = (who: string, address: string): Refused => ({
    exit: 4,
    code: 'CONFLICT',
    says: `${who} cannot listen on ${address}: the port is in use`,
    hint: `ss -ltnp 'sport = :${address.split(':')[1]}'`,
  });

  test.each(['grpc', 'http'] as const)('a hub on a %s port that is in use', async (port) => {
    const { cloud } = bench;
    const taken = port === 'grpc' ? cloud.hubAddress : `127.0.0.1:${cloud.hub.options.httpPort}`;
    const listen = { grpc: '127.0.0.1:0', http: '127.0.0.1:0', [port]: taken };
    const text = await run('hub', '--config', configFile(`hub-${port}`, { ...hubConfig, listen }));
    expectTextRefusal({ ...text, stdout: '' }, inUse('hub', taken));
  });

  test.each(['transfer', 'http'] as const)('an agent on a %s port that is in use', async (port) => {
    const { listen: taken } = agentConfig(bench.cloud, 'central') as { listen: Record<string, string> };
    const address = taken[port] ?? '';
    const listen = { transfer: '127.0.0.1:0', http: '127.0.0.1:0', [port]: address };
    const text = await run('agent', '--config', configFile(`agent-${port}`, anotherAgent({ listen })));
    expectTextRefusal({ ...text, stdout: '' }, inUse('agent', address));
  });

  test('a second hub on the same catalogue', async () => {
    const before = await bench.state();
    const catalogue = join(bench.folder, 'hub/catalogue.sqlite');
    await expectNoStart('hub', configFile('second-hub', { ...hubConfig, catalogue }), {
      exit: 6,
      code: 'UNAVAILABLE',
      says: `the catalogue ${catalogue} is held by another process`,
      hint: 'is another hub running with the same configuration?',
    });
    expect(await bench.state()).toEqual(before);
  });

  test('a second agent on the same folder waits for the first to go, and says for whom', async () => {
    const folder = join(bench.folder, 'dcn0');
    const second = startAgent({ driver: { type: 'file', folder } });
    const detail = await unready(second, 'is in use');
    expect(detail).toContain(
      `store: store folder ${folder} is in use by process ${bench.daemon('dcn0').pid}`,
    );
    expect(await bench.daemon('dcn0').metrics()).toContain('entrepot_agent_attached 1');
  });
});

describe('an agent whose store is not usable ends, and says why', () => {
  test.each([
    [
      'a folder that cannot be made',
      { folder: '/proc/images' },
      'cannot open the store in /proc/images: ',
      'was it moved or unmounted',
    ],
    [
      'a folder that is a file',
      { folder: '/etc/hostname' },
      'cannot open the store in /etc/hostname: a file is in the way',
      'a folder of its own',
    ],
    [
      'a folder below a file',
      { folder: '/etc/hostname/x' },
      'a part of the path is not a folder',
      'a folder of its own',
    ],
    [
      'a pool whose name is none',
      { folder: '/tmp', pool: '../x' },
      "pool '../x' is not valid",
      'letters, digits',
    ],
    [
      'a ceph.conf that is not there',
      { type: 'rbd', conf: '/absent/ceph.conf', client: 'images', pool: 'images' },
      '/absent/ceph.conf',
      'ceph.conf',
    ],
  ])('%s', async (name, driver, says, hint) => {
    const config = configFile(
      name.replaceAll(' ', '-'),
      anotherAgent({ driver: { type: 'file', ...driver } }),
    );
    const result = await run('agent', '--config', config);
    expectTextRefusal({ ...result, stdout: '' }, { exit: 2, code: 'INVALID', says, hint });
  });

  test('a folder it may not write to', async (context) => {
    const folder = join(bench.folder, 'read-only');
    mkdirSync(folder);
    chmodSync(folder, 0o555);
    const config = configFile(
      'read-only',
      anotherAgent({ driver: { type: 'file', folder: join(folder, 'store') } }),
    );
    const command = [process.execPath, ENTREPOT, 'agent', '--config', config] as const;
    // Root may write anywhere, unless it gives that up.
    const isRoot = process.getuid?.() === 0;
    if (isRoot && spawnSync('setpriv', ['--version']).status !== 0)
      context.skip('needs setpriv when run as root');
    const [program, ...args] = isRoot
      ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all', ...command]
      : command;
    const { status, stdout, stderr } = spawnSync(program ?? '', args, {
      encoding: 'utf8',
      timeout: 15_000,
      killSignal: 'SIGKILL',
    });
    expectTextRefusal(
      { exitCode: status, stdout: '', stderr },
      { exit: 2, code: 'INVALID', says: 'the agent lacks the rights', hint: 'must belong to the user' },
    );
    expect(stdout).not.toContain('"level":"error"');
  });
});

describe('the hub refuses an agent that is not what it should be, and nothing changes', () => {
  test('of another store than its certificate', async () => {
    const before = await stores();
    const hello = { storeId: 'mars', driver: 'file', fsid: 'a', pool: 'images' };
    expect(await attach(hello)).toMatchObject({
      code: 'FORBIDDEN',
      hint: expect.stringContaining('its certificate is that of store dcn1'),
    });
    expect(await stores()).toEqual(before);
  });

  test('with another driver than the other stores (R10)', async () => {
    const before = await stores();
    const refusal = await attach({ storeId: 'dcn1', driver: 'rbd', fsid: 'a', pool: 'images' });
    expect(refusal).toMatchObject({
      code: 'CONFLICT',
      rule: 'R10',
      message: 'store dcn1 has driver rbd, but central has file: all stores use one driver',
      hint: expect.stringContaining('driver.type to file'),
    });
    expect(await attach({ storeId: 'dcn1', driver: 'lvm', fsid: 'a', pool: 'images' })).toMatchObject({
      code: 'INVALID',
      rule: 'R10',
    });
    expect(await stores()).toEqual(before);
  });

  test('with the pool of another store (R10)', async () => {
    const before = await stores();
    const folder = join(bench.folder, 'twin');
    mkdirSync(folder, { mode: 0o700 });
    cpSync(join(bench.folder, 'dcn0/store.json'), join(folder, 'store.json'));
    const agent = startAgent({ driver: { type: 'file', folder } });
    expect(await unready(agent, 'hub: store')).toMatch(
      /^hub: store dcn0 is already pool images of cluster [0-9a-f-]{36} \(two stores cannot share a pool: .*\)$/,
    );
    expect(await stores()).toEqual(before);
  });

  test('with another cluster than it had (R10), until it has its own again', async () => {
    const before = await bench.state();
    const dcn0 = bench.daemon('dcn0');
    const path = join(bench.folder, 'dcn0/store.json');
    const own = readFileSync(path, 'utf8');
    expect(await dcn0.stop()).toBe(0);
    writeFileSync(path, JSON.stringify({ fsid: '11111111-2222-4333-8444-555555555555' }));
    dcn0.spawn();
    const detail = await unready(dcn0, 'pinned');
    const { fsid } = JSON.parse(own) as { fsid: string };
    expect(detail).toContain(
      `hub: store dcn0 is pinned to fsid ${fsid}, and its agent now has fsid 11111111-2222-4333-8444-555555555555`,
    );
    const listed = await bench.cloud.json<{ id: string; online: boolean; fsid: string }[]>('store', 'list');
    expect(listed.find(({ id }) => id === 'dcn0')).toMatchObject({ online: false, fsid });
    expect(await dcn0.stop()).toBe(0);
    writeFileSync(path, own);
    await dcn0.start();
    expect(await bench.state()).toEqual(before);
  });

  test('before it said who it is', async () => {
    expect(await attach(undefined)).toMatchObject({
      code: 'INVALID',
      message: 'the first message of an agent must be its hello',
    });
  });
});

/** How the hub ends the stream of an agent that says this of itself. */
async function attach(hello: Record<string, string> | undefined): Promise<Refusal> {
  const { hubAddress } = bench.cloud;
  const credentials = await loadCredentials(bench.cloud.credentialsOf('dcn1'));
  await using channel = controlChannel({ address: hubAddress, peer: 'the hub', credentials, expect: HUB });
  await using call = callDuplex(channel, Agents.Attach);
  if (hello) await call.write({ hello: { transferAddress: '127.0.0.1:1', ...hello } });
  await call.write({ inventory: { images: [], last: true } });
  try {
    for await (const _ of call.messages) throw new Error('the hub answered');
  } catch (error) {
    return Refusal.from(error);
  }
  throw new Error('the hub ended the stream without a reason');
}
