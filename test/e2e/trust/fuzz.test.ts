import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { loadCredentials } from '../../../src/trust/credentials.ts';
import { rawClient } from '../../cloud/raw-client.ts';
import type { Target } from '../../fuzz/attack.ts';
import { GRPC, HELD } from '../../fuzz/grpc-attacks.ts';
import { HTTP1 } from '../../fuzz/http1-attacks.ts';
import { HEADERS, HTTP2 } from '../../fuzz/http2-attacks.ts';
import { BEFORE_TLS, IN_PLACE_OF_HTTP2 } from '../../fuzz/raw-attacks.ts';
import { agentConfig, Bench } from '../helpers-file.ts';
import { type Aim, Bystander, faults, fire, mostMib, openFilesWithRoom, settled } from './under-fire.ts';

/** The most a daemon may ever take: 384 MiB for one identity (src/rpc/limits.ts) and what it takes when idle. */
const MOST_MIB = 640;

/** On two cores that those who throw things share. */
const ANSWER_MS = 2000;

const LIMIT_MS = 240_000;

const H2 = [...BEFORE_TLS, ...IN_PLACE_OF_HTTP2, ...HTTP2, ...HEADERS, ...HELD];

let bench: Bench;
let imageId: string;
/** In whose names things are thrown: an operator, a site that was taken over, nobody. */
let member: Target['tls'];
let agent: Target['tls'];
let nobody: { readonly caPem: string };

beforeAll(async () => {
  bench = await Bench.start();
  imageId = await bench.bring('calm', await bench.sample('calm', 32, 16));
  const folder = join(bench.folder, 'mallory');
  await bench.cloud.json('operator', 'add', 'mallory', '--role', 'member', '--operator-credentials', folder);
  const { caPem, chainPem, privateKeyPem } = await loadCredentials(folder);
  member = { caPem, chainPem, privateKeyPem };
  // Its place is taken.
  await bench.cloud.agent('dcn1').stop();
  agent = await loadCredentials(bench.cloud.credentialsOf('dcn1'));
  nobody = { caPem };
}, 120_000);
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});

const pids = new Map<string, number>();
afterEach(() => {
  // Whoever died was not started anew by anybody: it would be missing.
  for (const name of ['hub', 'central', 'dcn0']) {
    const daemon = bench.daemon(name);
    expect(daemon.isRunning, `${name} runs`).toBe(true);
    expect(pids.get(name) ?? daemon.pid).toBe(daemon.pid);
    pids.set(name, daemon.pid);
    expect(faults(daemon.log())).toEqual([]);
  }
});

function at(address: string, tls?: Target['tls'], path?: string): Target {
  const [host = '', port = ''] = address.split(':');
  return { host, port: Number(port), tls, ...(path !== undefined && { path }) };
}

function listening(storeId: string, on: 'transfer' | 'http'): string {
  return (agentConfig(bench.cloud, storeId)['listen'] as Record<string, string>)[on] ?? '';
}

/** How many files each daemon had open before anything was thrown at it. */
const opened = new Map<string, number>();

/** Throws everything, and looks at what that does to others meanwhile. */
async function withstands(
  name: string,
  aims: readonly Aim[],
  bystanders: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<void> {
  if (!opened.has(name)) opened.set(name, openFilesWithRoom(bench.daemon(name)));
  const asking = Object.entries(bystanders).map(([what, ask]) => [what, new Bystander(ask)] as const);
  expect(await fire(aims)).toBeGreaterThan(100_000);
  for (const [what, bystander] of asking) {
    const { slowestMs, answers } = await bystander.stop();
    expect(answers, what).toBeGreaterThan(10);
    expect(slowestMs, what).toBeLessThan(ANSWER_MS);
  }
}

async function healthy(httpAddress: string): Promise<void> {
  const answer = await fetch(`http://${httpAddress}/healthz`);
  await answer.text();
  expect(answer.status).toBe(200);
}

describe('whatever is thrown at a port, the daemon runs on, as large as before, and serves the others', () => {
  test(
    'the port of the hub for operators and agents',
    async () => {
      const { hubAddress } = bench.cloud;
      const list = '/entrepot.v1.Images/List';
      await withstands(
        'hub',
        [
          { target: at(hubAddress, nobody, list), attacks: [...H2, ...GRPC] },
          { target: at(hubAddress, nobody, '/entrepot.v1.Enrolment/Join'), attacks: [...GRPC, ...HELD] },
          { target: at(hubAddress, member, list), attacks: [...HTTP2, ...HEADERS, ...GRPC, ...HELD] },
          { target: at(hubAddress, member, '/entrepot.v1.Images/Upload'), attacks: [...GRPC, ...HELD] },
          { target: at(hubAddress, agent, '/entrepot.v1.Agents/Attach'), attacks: GRPC },
          { target: at(hubAddress, agent, '/entrepot.v1.Agents/PutManifest'), attacks: [...GRPC, ...HELD] },
        ],
        { 'a command': () => bench.calls.getImage(imageId) },
      );
    },
    LIMIT_MS,
  );

  test(
    'the port of an agent for other agents',
    async () => {
      const transfer = listening('central', 'transfer');
      using client = rawClient(transfer, await loadCredentials(bench.cloud.credentialsOf('hub')));
      const { id } = await bench.copy(imageId, 'dcn0');
      await withstands(
        'central',
        [
          { target: at(transfer, nobody, '/entrepot.v1.Transfer/Pull'), attacks: [...H2, ...GRPC] },
          { target: at(transfer, agent, '/entrepot.v1.Transfer/Pull'), attacks: [...H2, ...GRPC] },
          { target: at(transfer, agent, '/entrepot.v1.Transfer/Push'), attacks: [...GRPC, ...HELD] },
        ],
        {
          'a question whether it serves': () => health(client),
        },
      );
      expect((await bench.ended(id)).state).toBe('succeeded');
    },
    LIMIT_MS,
  );

  test.each(['hub', 'central'])(
    'the HTTP port of %s',
    async (name) => {
      const address = `127.0.0.1:${bench.daemon(name).options.httpPort}`;
      await withstands(
        name,
        [{ target: at(address), attacks: [...HTTP1, ...IN_PLACE_OF_HTTP2, ...BEFORE_TLS] }],
        {
          'a probe': () => healthy(address),
          'a command': () => bench.calls.getImage(imageId),
        },
      );
    },
    LIMIT_MS,
  );

  // All at the end: a daemon learns by its pings who has gone, which takes most of a minute.
  test.each(['hub', 'central'])(
    'and of what %s had opened for them nothing is left',
    async (name) => {
      await settled(bench.daemon(name), opened.get(name) ?? 0);
      expect(mostMib(bench.daemon(name))).toBeLessThan(MOST_MIB);
    },
    LIMIT_MS,
  );
});

/** grpc.health.v1.Health/Check of the whole server; its answer says 1, which is SERVING. */
async function health(client: ReturnType<typeof rawClient>): Promise<void> {
  const same = (bytes: Buffer) => bytes;
  const answer = await new Promise<Buffer | undefined>((resolve, reject) => {
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, Buffer.alloc(0), (error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
  expect(answer).toEqual(Buffer.from([8, 1]));
}
