import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { get as httpsGet } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { fingerprintOf } from '../../../src/trust/certificate.ts';
import type { Credentials } from '../../../src/trust/credentials.ts';
import { TestAuthority } from '../../trust/test-authority.ts';
import type { LogLine } from '../rpc/harness.ts';
import { uploadOf } from '../transfer/samples.ts';
import { ingestMessage, sample, World } from './agent-bench.ts';
import { eventually } from './scripted-hub.ts';

const EXECUTABLE = fileURLToPath(new URL('../../../bin/entrepot.cjs', import.meta.url));
const MAIN = new URL('../../../src/agent/main.ts', import.meta.url).href;
const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';

/** An agent as a process of its own, with what it wrote. */
class AgentProcess implements AsyncDisposable {
  readonly lines: LogLine[] = [];
  readonly child: ChildProcess;
  readonly ended: Promise<unknown[]>;
  stderr = '';

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = once(this.child, 'exit');
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.lines.push(JSON.parse(line)),
    );
    this.child.stderr?.on('data', (piece) => {
      this.stderr += piece;
    });
  }

  static run(config: string): AgentProcess {
    const code = `import { runAgent } from ${JSON.stringify(MAIN)}; await runAgent(${JSON.stringify(config)});`;
    return new AgentProcess(['--input-type=module', '-e', code]);
  }

  said(msg: string): LogLine | undefined {
    return this.lines.find((line) => line.msg === msg);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.ended;
  }
}

async function configure(world: World, driver: object, more: object = {}): Promise<string> {
  const file = join((await world.folder('config')).path, 'agent.yaml');
  const listen = { transfer: '127.0.0.1:0', http: '127.0.0.1:0' };
  const credentials = await world.credentials('dcn0');
  // JSON is YAML.
  await writeFile(
    file,
    JSON.stringify({ store: 'dcn0', hub: world.hub.address, credentials, driver, listen, ...more }),
  );
  return file;
}

async function ready(agent: AgentProcess): Promise<{ readonly status: number; readonly detail: string }> {
  const line = await eventually(() => agent.said('listening'));
  const response = await fetch(`http://${String(line['http'])}/readyz`);
  const { detail } = (await response.json()) as { readonly detail: string };
  return { status: response.status, detail };
}

test('SIGTERM in the middle of an upload: what came is kept for the next attempt, the hub sees it go, the process ends well', async () => {
  await using world = await World.make();
  const { path: folder } = await world.folder('dcn0');
  await using agent = AgentProcess.run(await configure(world, { type: 'file', folder }));
  const session = await world.hub.session('dcn0');
  await eventually(() => agent.said('agent is ready'));
  expect(await ready(agent)).toEqual({ status: 200, detail: 'serves store dcn0' });
  const bytes = sample(4);
  const stalled = Promise.withResolvers<void>();
  world.hub.uploads.set('ingest-1', async function* () {
    yield* [...uploadOf(bytes)].slice(0, 4);
    await stalled.promise;
  });
  session.tell(ingestMessage('ingest-1', 1, IMAGE, bytes.length));
  await eventually(() => session.phases('ingest-1').includes('transferring'));

  agent.child.kill('SIGTERM');
  expect(await agent.ended).toEqual([0, null]);
  await eventually(() => session.isOver);
  expect(session.results('ingest-1')).toEqual([]);
  expect(agent.said('agent has stopped')).toBeDefined();
  expect(agent.said('ingest failed: the agent of store dcn0 is stopping')).toMatchObject({
    level: 'warn',
    storeId: 'dcn0',
    taskId: 'ingest-1',
    requestId: 'request-1',
  });
  expect(agent.stderr).toBe('');
  stalled.resolve();
  const after = await world.agent('dcn0');
  expect(await after.store.list()).toEqual([{ imageId: IMAGE, form: 'partial', sizeBytes: bytes.length }]);
});

test('not ready without its hub, and says why; SIGINT ends it all the same', async () => {
  await using world = await World.make();
  const { path: folder } = await world.folder('dcn0');
  const config = await configure(world, { type: 'file', folder });
  await world.hub[Symbol.asyncDispose]();
  await using agent = AgentProcess.run(config);
  await eventually(() => agent.lines.some((line) => line.msg.startsWith('not attached to the hub')));
  const { status, detail } = await ready(agent);
  expect(status).toBe(503);
  expect(detail).toContain(`hub: cannot reach hub at ${world.hub.address}: connection refused`);
  agent.child.kill('SIGINT');
  expect(await agent.ended).toEqual([0, null]);
  expect(agent.said('agent is ready')).toBeUndefined();
});

test('the executable begins anew as the same process, with little memory, and passes signals on', async () => {
  await using world = await World.make();
  const { path: folder } = await world.folder('dcn0');
  const config = await configure(world, { type: 'file', folder });
  await using agent = new AgentProcess([EXECUTABLE, 'agent', '--config', config]);
  await eventually(() => agent.said('agent is ready'));
  const { pid } = agent.child;
  const read = async (name: string) => (await readFile(`/proc/${pid}/${name}`, 'utf8')).split('\0');
  expect(await read('cmdline')).toContain('--max-semi-space-size=1');
  expect(await read('environ')).toContain('MALLOC_ARENA_MAX=1');
  agent.child.kill('SIGTERM');
  expect(await agent.ended).toEqual([0, null]);
  expect(agent.stderr).toBe('');
});

test('a configuration that cannot work ends it with the reason', async () => {
  await using world = await World.make();
  const { path: folder } = await world.folder('dcn0');
  const config = await configure(world, { type: 'file', folder, pool: 'not/a/pool' });
  await using agent = AgentProcess.run(config);
  const [code] = await agent.ended;
  expect(code).not.toBe(0);
  expect(agent.stderr).toContain("code: 'INVALID'");
  expect(agent.stderr).toContain('not/a/pool');
});

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  /** SHA-256 of the certificate the agent showed. */
  readonly fingerprint: string;
}

/** GET over TLS, with a certificate or without one. */
function get(at: string, path: string, caPem: string, shown?: Credentials): Promise<Answer> {
  const client = shown && { cert: shown.chainPem, key: shown.privateKeyPem };
  return new Promise((resolve, reject) => {
    const options = { ca: caPem, ...client, agent: false, checkServerIdentity: () => undefined };
    const request = httpsGet(`https://${at}${path}`, options, (response) => {
      const peer = (response.socket as TLSSocket).getPeerX509Certificate();
      const fingerprint = peer === undefined ? '' : fingerprintOf(peer);
      text(response).then((body) => resolve({ status: response.statusCode, body, fingerprint }), reject);
    });
    request.on('error', reject);
  });
}

test('HTTP under TLS: health for everybody, metrics for certificates, and the newest of its own', async () => {
  await using world = await World.make();
  const { path: folder } = await world.folder('dcn0');
  const config = await configure(world, { type: 'file', folder }, { http: { tls: true, open: ['health'] } });
  await using agent = AgentProcess.run(config);
  await eventually(() => agent.said('agent is ready'));
  const at = String(agent.said('listening')?.['http']);
  const { caPem } = world.authority;
  expect(await get(at, '/readyz', caPem)).toMatchObject({ status: 200 });
  expect(await get(at, '/metrics', caPem)).toMatchObject({ status: 401 });
  const stranger = await (await TestAuthority.create()).credentials({ kind: 'operator', name: 'alice' });
  expect(await get(at, '/metrics', caPem, stranger)).toMatchObject({ status: 401 });
  const alice = await world.authority.credentials({ kind: 'operator', name: 'alice' });
  const metrics = await get(at, '/metrics', caPem, alice);
  expect(metrics).toMatchObject({ status: 200 });
  expect(metrics.body).toContain('entrepot_certificate_expires_timestamp_seconds');

  // Joined anew while it runs: found when it dials the hub the next time.
  const anew = await world.authority.credentials({ kind: 'store', storeId: 'dcn0' });
  await world.credentials('dcn0', anew);
  (await world.hub.session('dcn0')).cut.open();
  await eventually(() => agent.said('found new credentials in the folder'));
  const renewed = await get(at, '/metrics', caPem, alice);
  expect(renewed.fingerprint).toBe(anew.certificate.fingerprint);
  expect(renewed.fingerprint).not.toBe(metrics.fingerprint);
});

test('without credentials it ends, and says what to do', async () => {
  await using world = await World.make();
  const { path: folder } = await world.folder('dcn0');
  const config = await configure(world, { type: 'file', folder }, { credentials: 'nowhere' });
  await using agent = AgentProcess.run(config);
  const [code] = await agent.ended;
  expect(code).not.toBe(0);
  expect(agent.stderr).toContain("code: 'NOT_FOUND'");
  expect(agent.stderr).toContain('entrepot agent join');
});
