import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { leaksInFolder, leaksInProcesses, leaksInText } from '../../cloud/secrets.ts';
import { waitFor } from '../../cloud/wait.ts';
import { ServedFile, TestServer } from '../../unit/fetch/http-bench.ts';
import { type ServerTls, serverTls } from '../../unit/fetch/server-certificate.ts';
import { Bench, MIB } from '../helpers-file.ts';
import { HeldFile } from '../importing.ts';
import { heldAfter, makeRecord } from './web-files.ts';

/** Of the hub for a task, and of the agent for a download within one. */
const ATTEMPTS = 2;

const RAW_MIB = 24;

let bench: Bench;
let tls: ServerTls;
let raw: Buffer;
let qcow2: Buffer;
const servers: TestServer[] = [];

beforeAll(async () => {
  tls = await serverTls(['127.0.0.1', '127.0.0.2']);
  bench = await Bench.create({
    storeIds: ['central'],
    hub: { queue: { max_attempts: ATTEMPTS, retry: { first_delay_ms: 50, max_delay_ms: 100 } } },
  });
  writeFileSync(join(bench.folder, 'ca.pem'), tls.caPem);
  bench.configure('central', {
    web_download: {
      allowed_networks: ['127.0.0.1/32'],
      allowed_ports: [],
      ca_file: 'ca.pem',
      attempts: ATTEMPTS,
    },
  });
  await bench.cloud.startAll();
  const path = await bench.sample('web', RAW_MIB, 8);
  raw = readFileSync(path);
  await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', path, `${path}.qcow2`]);
  qcow2 = readFileSync(`${path}.qcow2`);
});

afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  for (const server of servers) await server[Symbol.asyncDispose]();
});

async function serve(listener: RequestListener, host = '127.0.0.1'): Promise<TestServer> {
  const server = await TestServer.start(listener, { tls, host });
  servers.push(server);
  return server;
}

/** A server for these bytes alone. */
async function served(bytes: Buffer): Promise<{ file: ServedFile; server: TestServer; uri: string }> {
  const file = new ServedFile(bytes);
  const server = await serve(file.listener);
  return { file, server, uri: server.url() };
}

const draft = (name: string, diskFormat = 'raw') => makeRecord(bench, name, diskFormat);
const run = (...args: string[]) => bench.cloud.cli('image', 'import', ...args);
const staged = () => readdirSync(join(bench.folder, 'credentials', 'staging-central'));

/** The image is what these bytes are as a disk, and there is nothing of it anywhere else. */
async function expectIn(id: string, disk = raw): Promise<void> {
  expect(await bench.image(id)).toMatchObject({ status: 'active', diskFormat: 'raw' });
  const path = bench.wholeFile('central', id);
  expect(readFileSync(path).equals(disk)).toBe(true);
  expect(staged()).toEqual([]);
}

/** The record is as it was before the import, and nothing lies anywhere. */
async function expectOut(id: string): Promise<void> {
  const { status, copies, sizeBytes } = await bench.image(id);
  expect([status, copies, sizeBytes ?? null]).toEqual(['queued', [], null]);
  expect(bench.disk('central').filter((name) => name.includes(id))).toEqual([]);
  expect(staged()).toEqual([]);
}

async function expectRefused(id: string, uri: string, exitCode: number, says: string, ...more: string[]) {
  const result = await run(id, '--uri', uri, '--wait', ...more);
  expect(result.stderr).toContain(says);
  expect(result.exitCode).toBe(exitCode);
  await expectOut(id);
}

async function received(id: string, bytes: number): Promise<void> {
  await waitFor('the bytes so far', async () => {
    const [copy] = (await bench.image(id)).copies;
    return (copy?.progress?.doneBytes ?? 0) >= bytes;
  });
}

test('raw goes straight into the store; nothing lies in staging at any time', async () => {
  const { listener, release } = heldAfter(raw, 12 * MIB);
  const { id } = await draft('straight');
  const waiting = run(id, '--uri', (await serve(listener)).url(), '--wait');
  await received(id, 4 * MIB);
  expect(staged()).toEqual([]);
  expect(statSync(bench.partialFile('central', id)).size).toBe(raw.length);
  release();
  expect(await waiting).toMatchObject({ exitCode: 0 });
  await expectIn(id);
  expect(bench.traffic('central', id)).toMatchObject({ receivedBytes: 8 * MIB, holeBytes: 16 * MIB });
  // Holes of whole chunks were not written.
  expect(statSync(bench.wholeFile('central', id)).blocks * 512).toBeLessThanOrEqual(16 * MIB);
});

test('another format is put beside the store once, and converted from there', async () => {
  const { listener, release } = heldAfter(qcow2, 6 * MIB);
  const { id } = await draft('by staging', 'qcow2');
  const waiting = run(id, '--uri', (await serve(listener)).url(), '--wait');
  await received(id, 5 * MIB);
  expect(staged()).toEqual([id]);
  expect(bench.disk('central').filter((name) => name.includes(id))).toEqual([]);
  release();
  expect(await waiting).toMatchObject({ exitCode: 0 });
  await expectIn(id);
});

test('packed files, and files of a length that nobody says, come in', async () => {
  const pack = promisify(gzip);
  const chunked = await served(raw);
  chunked.file.chunked = true;
  const cases = [
    { uri: (await served(await pack(raw))).uri, format: 'raw' },
    { uri: (await served(await pack(qcow2))).uri, format: 'qcow2' },
    { uri: chunked.uri, format: 'raw' },
  ];
  for (const { uri, format } of cases) {
    const name = ['--name', 'packed', '--disk-format', format];
    const { stdout, stderr, exitCode } = await run(...name, '--uri', uri, '--wait', '-o', 'json');
    expect(exitCode, stderr).toBe(0);
    await expectIn((JSON.parse(stdout) as { job: { image_id: string } }).job.image_id);
  }
});

test.each(['md5', 'sha256', 'sha512'])(
  'a file that has another %s than was said is refused',
  async (name) => {
    const { uri } = await served(name === 'sha256' ? qcow2 : raw);
    const { id } = await draft(name, name === 'sha256' ? 'qcow2' : 'raw');
    const right = createHash(name)
      .update(name === 'sha256' ? qcow2 : raw)
      .digest('hex');
    const wrong = right.replace(/./, (digit) => (digit === '0' ? '1' : '0'));
    await expectRefused(id, uri, 2, `the ${name} of the file is ${right}, not ${wrong}`, `--${name}`, wrong);
    expect(await run(id, '--uri', uri, `--${name}`, right.toUpperCase(), '--wait')).toMatchObject({
      exitCode: 0,
    });
    await expectIn(id);
  },
);

test('a connection that breaks is gone on with from where it was', async () => {
  const { file, server, uri } = await served(raw);
  file.cuts.push(3 * MIB + 7, 9 * MIB);
  const { id } = await draft('cut');
  expect(await run(id, '--uri', uri, '--wait')).toMatchObject({ exitCode: 0 });
  await expectIn(id);
  const ranges = server.asked.map(({ headers }) => headers.range);
  expect(ranges).toHaveLength(3);
  expect(ranges[0]).toBeUndefined();
  const froms = ranges.slice(1).map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]));
  expect(froms[0]).toBeGreaterThan(0);
  expect(froms[1]).toBeGreaterThan(froms[0] ?? 0);
});

test('an agent that is stopped keeps what has come, and asks for the rest when it is back', async () => {
  const fetches = [
    { file: new HeldFile(raw, 12 * MIB), id: (await draft('stopped')).id },
    { file: new HeldFile(qcow2, 6 * MIB), id: (await draft('stopped by staging', 'qcow2')).id },
  ];
  const waiting = fetches.map(async ({ file, id }) => {
    const server = await serve((request, response) => void file.answer(request, response));
    return await run(id, '--uri', server.url(), '--wait');
  });
  for (const { id } of fetches) await received(id, 4 * MIB);
  await bench.cloud.agent('central').stop();
  await bench.cloud.agent('central').start();
  for (const { file } of fetches) file.release();
  expect(await Promise.all(waiting)).toMatchObject([{ exitCode: 0 }, { exitCode: 0 }]);
  for (const { file, id } of fetches) {
    await expectIn(id);
    expect(file.askedFrom).toEqual([0, expect.toSatisfy((from) => from > 0)]);
  }
});

test('what a server has not is told; the same record takes the right URI', async () => {
  const nothing = await serve((_request, response) => response.writeHead(404).end('no'));
  const { id } = await draft('missing');
  await expectRefused(id, nothing.url('/gone.raw'), 3, '/gone.raw: the server has no such file (404)');
  expect(nothing.asked).toHaveLength(1);
  expect(await run(id, '--uri', (await served(raw)).uri, '--wait')).toMatchObject({ exitCode: 0 });
  await expectIn(id);
});

test('a server that lies about the length brings nothing in', async () => {
  const file = new ServedFile(raw);
  const server = await serve((request, response) => {
    if (request.headers.range !== undefined) return file.listener(request, response);
    response.writeHead(200, { 'content-length': raw.length + 1000, etag: '"v1"' });
    response.write(raw, () => response.destroy());
    return;
  });
  const { id } = await draft('liar');
  await expectRefused(id, server.url(), 4, 'changed while it was read');
});

test('of a file that changes while it is read, no mixture comes in', async () => {
  const { file, server, uri } = await served(raw);
  const later = Buffer.from(raw).fill(0x55, 16 * MIB, 17 * MIB);
  file.cuts.push(6 * MIB);
  file.onRequest = ({ headers }) => {
    if (headers.range === undefined) return;
    file.bytes = later;
    file.etag = '"v2"';
  };
  const { id } = await draft('changing');
  // The second attempt begins anew.
  expect(await run(id, '--uri', uri, '--wait')).toMatchObject({ exitCode: 0 });
  await expectIn(id, later);
  expect(server.asked.map(({ headers }) => headers.range === undefined)).toEqual([true, false, true]);
});

test('a redirect leads nowhere that may not be fetched from', async () => {
  const forbidden = await serve(new ServedFile(raw).listener, '127.0.0.2');
  const location = forbidden.url('/file.raw', '127.0.0.2');
  const server = await serve((_request, response) => response.writeHead(302, { location }).end());
  const { id } = await draft('redirected');
  await expectRefused(id, server.url(), 5, '127.0.0.2');
  expect(server.asked).toHaveLength(1);
  expect(forbidden.accepted).toBe(0);
});

test('a server that refuses for ever ends an import as failed, not never', async () => {
  const server = await serve((_request, response) => response.writeHead(503).end());
  const { id } = await draft('refused');
  await expectRefused(id, server.url(), 6, 'the server answers 503; given up after 2 attempts');
  expect(server.asked).toHaveLength(ATTEMPTS * ATTEMPTS);
  const closed = await TestServer.start(() => {}, { tls });
  const uri = closed.url();
  await closed[Symbol.asyncDispose]();
  await expectRefused(id, uri, 6, 'ECONNREFUSED');
});

test('a password in a URI reaches its server, is told to nobody, and is gone when the job has ended', async () => {
  const password = 'correct-horse-battery-staple-7716';
  const secrets = new Map([
    ['password', password],
    ['authorization', Buffer.from(`alice:${password}`).toString('base64')],
    ['query', 'signature-5c19e0a7d3b84f26'],
  ]);
  const held = heldAfter(raw, 12 * MIB);
  const server = await serve((request, response) => {
    if (request.headers.authorization === `Basic ${secrets.get('authorization')}`) {
      return held.listener(request, response);
    }
    response.writeHead(401).end();
    return;
  });
  const uri = server.url(`/file.raw?token=${secrets.get('query')}`).replace('//', `//alice:${password}@`);
  const { id } = await draft('secret');
  const started = await run(id, '--uri', uri, '-o', 'json');
  expect(started.exitCode, started.stderr).toBe(0);
  const jobId = (JSON.parse(started.stdout) as { job: { id: string } }).job.id;
  await received(id, 4 * MIB);
  const told = async () => {
    const { cloud } = bench;
    const texts: string[] = [started.stdout, started.stderr];
    for (const args of [
      ['job', 'show', jobId],
      ['image', 'show', id],
      ['event', 'list', '--limit', '1000'],
    ]) {
      const { stdout, stderr, exitCode } = await cloud.cli(...args, '-o', 'json');
      expect(exitCode, stderr).toBe(0);
      expect(stdout).not.toBe('');
      texts.push(stdout, stderr);
    }
    for (const daemon of [cloud.hub, cloud.agent('central')]) {
      texts.push(daemon.log(), await daemon.metrics());
      expect(daemon.log()).not.toBe('');
    }
    return leaksInText('what is told', texts.join('\n'), secrets);
  };
  expect(await told()).toEqual([]);
  expect(leaksInProcesses(secrets)).toEqual([]);
  held.release();
  expect((await bench.ended(jobId)).state).toBe('succeeded');
  await expectIn(id);
  expect(await told()).toEqual([]);
  expect(leaksInFolder(bench.folder, secrets, new Set())).toEqual([]);

  // Nor of one that its server does not take.
  const wrong = await draft('wrong password');
  await expectRefused(wrong.id, uri.replace('alice', 'bob'), 5, 'wants a user and a password');
  expect(leaksInFolder(bench.folder, secrets, new Set())).toEqual([]);
});

test('without configuration nothing is fetched from the machine itself', async () => {
  await bench.cloud.agent('central').stop();
  bench.configure('central', { web_download: {} });
  await bench.cloud.agent('central').start();
  const { id } = await draft('default');
  await expectRefused(id, 'https://127.0.0.1/file.raw', 5, '127.0.0.1');
  await expectRefused(id, 'http://localhost/', 5, 'localhost');
  await expectRefused(id, 'http://0x7f.1/', 5, '127.0.0.1');
  const { server, uri } = await served(raw);
  await expectRefused(id, uri, 5, `port ${server.port}`);
  expect(server.accepted).toBe(0);
});
