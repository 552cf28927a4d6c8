import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LiveTicket } from '../../../src/agent/live-ticket.ts';
import type { Assignment, IngestWork } from '../../../src/agent/messages.ts';
import { ingestImage } from '../../../src/agent/tasks/ingest.ts';
import type { TaskParts } from '../../../src/agent/tasks/parts.ts';
import { TransferMemory } from '../../../src/agent/transfer-memory.ts';
import { NO_TRAFFIC } from '../../../src/domain/job.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { HttpSource } from '../../../src/fetch/http-source.ts';
import { DigestPool } from '../../../src/image/digests.ts';
import { Staging } from '../../../src/staging/staging.ts';
import { MIB, ServedFile, sourceWith, TestServer } from '../fetch/http-bench.ts';
import { StoreFolder } from '../store/file-folder.ts';
import { WatchedStore } from '../transfer/watched-store.ts';
import { importsIn } from './imports-in.ts';

const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';

/** As a disk of which a part is not written to. */
const disk = Buffer.concat([randomBytes(9 * MIB), Buffer.alloc(4 * MIB), randomBytes(7 * MIB)]);
const packed = gzipSync(disk, { level: 1 });
/** Another one, of the same size. */
const laterDisk = Buffer.concat([randomBytes(9 * MIB), Buffer.alloc(4 * MIB), disk.subarray(13 * MIB)]);

let folder: StoreFolder;
let store: WatchedStore;
let staging: Staging;
const retries: Refusal[] = [];

beforeEach(async () => {
  folder = await StoreFolder.make();
  retries.length = 0;
  await begin();
});

afterEach(async () => {
  await end();
  await folder[Symbol.asyncDispose]();
});

/** What an agent has, of what is on its disk. */
async function begin(): Promise<void> {
  store = new WatchedStore(await folder.open());
  staging = new Staging({ folder: join(folder.path, 'staging'), quotaBytes: 1024 * MIB });
  await staging.start();
}

async function end(): Promise<void> {
  await staging[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
}

/** At any task: they grow. */
let attempts = 0;

interface Attempt {
  readonly source?: HttpSource;
  readonly signal?: AbortSignal;
  readonly taskId?: string;
}

/** The whole task, of one attempt of an agent that was started for it. */
async function attempt(url: string, { source, signal, taskId = 'import-1' }: Attempt = {}) {
  await end();
  await begin();
  const traffic = { ...NO_TRAFFIC };
  await using digests = new DigestPool();
  const web = source ?? sourceWith({ limits: { attempts: 1 } }).source;
  const parts = {
    store,
    imports: { ...importsIn(folder.path), staging, web },
    hub: { putManifest: async () => {} },
    digests,
    memory: new TransferMemory(),
    onFetchRetry: (reason: Refusal) => void retries.push(reason),
    onLeftover: (_: string, error: unknown) => expect.unreachable(String(error)),
  } as unknown as TaskParts;
  const work: IngestWork = {
    kind: 'ingest',
    sizeBytes: 0,
    recordJson: '{"name":"fetched"}',
    source: { from: 'web', uri: url },
    declared: { diskFormat: 'raw', containerFormat: 'bare' },
    expected: {},
    signatureProperties: {},
  };
  attempts++;
  const ids = { taskId, attempt: attempts, jobId: 'job-1', imageId: IMAGE, requestId: '' };
  const assignment: Assignment<IngestWork> = { ...ids, work };
  const run = {
    signal: signal ?? new AbortController().signal,
    ticket: new LiveTicket(''),
    traffic,
    onProgress: () => {},
  };
  const failure = await ingestImage(parts, assignment, run).then(
    () => undefined,
    (error: unknown) => Refusal.from(error),
  );
  return { failure, traffic };
}

const rangesAt = (server: TestServer) => server.asked.map(({ headers }) => headers.range);

async function expectWhole(bytes = disk): Promise<void> {
  expect(await store.list()).toMatchObject([{ imageId: IMAGE, form: 'whole' }]);
  expect((await readFile(folder.inPool(IMAGE))).equals(bytes)).toBe(true);
  expect(staging.imageIds).toEqual([]);
}

async function expectNothing(): Promise<void> {
  expect(await store.list()).toEqual([]);
  expect(staging.imageIds).toEqual([]);
}

/** What goes straight into the store keeps whole chunks, what lies beside it each byte. */
const WAYS: [string, Buffer, (bytes: number) => number][] = [
  ['beside the store', packed, (came) => came],
  ['straight into the store', disk, (came) => came - (came % (4 * MIB))],
];

describe.each(WAYS)('a fetch that was cut, of a file that goes %s', (_, bytes, kept) => {
  const CAME = 9 * MIB + 77;

  it('asks for the rest alone', async () => {
    const served = new ServedFile(bytes);
    served.cuts.push(CAME);
    await using server = await TestServer.start(served.listener);
    const cut = await attempt(server.url());
    expect(cut.failure).toMatchObject({ code: 'UNAVAILABLE' });
    const { failure, traffic } = await attempt(server.url());
    expect(failure).toBeUndefined();
    expect(rangesAt(server)).toEqual([undefined, `bytes=${kept(CAME)}-`]);
    expect(server.asked[1]?.headers['if-range']).toBe('"v1"');
    expect(traffic.resumedBytes).toBe(kept(CAME));
    await expectWhole();
  });

  it('is kept when the agent stops, and not when it is cancelled', async () => {
    for (const code of ['UNAVAILABLE', 'CANCELLED'] as const) {
      const abort = new AbortController();
      let count = 0;
      const served = new ServedFile(bytes);
      await using server = await TestServer.start((request, response) => {
        if (count++ > 0) return served.listener(request, response);
        response.writeHead(200, { 'content-length': bytes.length, etag: '"v1"' });
        response.write(bytes.subarray(0, CAME));
        const soon = setInterval(() => {
          const { usedBytes } = staging;
          if (usedBytes < CAME && store.calls.filter((call) => call === 'write').length < 2) return;
          clearInterval(soon);
          abort.abort(new Refusal(code, 'enough'));
        }, 5);
        return;
      });
      expect((await attempt(server.url(), { signal: abort.signal })).failure).toMatchObject({ code });
      if (code === 'CANCELLED') await expectNothing();
      expect((await attempt(server.url())).failure).toBeUndefined();
      await expectWhole();
      const [, range] = rangesAt(server);
      if (code === 'CANCELLED') expect(range).toBeUndefined();
      else expect(range).toMatch(/^bytes=[1-9]/);
      await store.remove(IMAGE);
    }
  });

  it('begins anew when the file has changed, and never mixes two', async () => {
    const served = new ServedFile(bytes);
    served.cuts.push(CAME);
    await using server = await TestServer.start(served.listener);
    await attempt(server.url());
    served.bytes = bytes === disk ? laterDisk : gzipSync(laterDisk, { level: 1 });
    served.etag = '"v2"';
    const { failure } = await attempt(server.url());
    expect(failure).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('changed while it was read'),
    });
    await expectNothing();
    expect((await attempt(server.url())).failure).toBeUndefined();
    await expectWhole(laterDisk);
    expect(rangesAt(server)[2]).toBeUndefined();
  });

  it('begins anew for another task, and where the server gives nothing to go on by', async () => {
    const served = new ServedFile(bytes);
    served.cuts.push(CAME, CAME);
    await using server = await TestServer.start(served.listener);
    await attempt(server.url());
    served.etag = undefined;
    expect((await attempt(server.url(), { taskId: 'import-2' })).failure).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('cannot be resumed'),
    });
    await expectNothing();
    expect((await attempt(server.url(), { taskId: 'import-2' })).failure).toBeUndefined();
    await expectWhole();
    expect(rangesAt(server)).toEqual([undefined, undefined, undefined]);
  });
});

describe('a file that lies whole beside the store', () => {
  it.each<[string, Partial<ServedFile>]>([
    ['of a known version', {}],
    ['of which the server says nothing', { etag: undefined, chunked: true }],
  ])('is not asked for again: %s', async (_, how) => {
    const served = Object.assign(new ServedFile(packed), how);
    await using server = await TestServer.start(served.listener);
    const failing = attempt(server.url());
    const full = new Refusal('UNAVAILABLE', 'the store is away');
    // The store of this attempt is made by it.
    await expect.poll(() => server.asked.length).toBe(1);
    store.around = (call, when) => {
      if (call === 'write' && when === 'before') throw full;
    };
    expect((await failing).failure).toBe(full);
    const { failure, traffic } = await attempt(server.url());
    expect(failure).toBeUndefined();
    expect(traffic.resumedBytes).toBe(packed.length);
    await expectWhole();
    expect(server.asked).toHaveLength(1);
  });

  it('goes when it may not come in', async () => {
    const bomb = gzipSync(Buffer.concat([disk, Buffer.alloc(MIB)])).subarray(0, -4);
    await using server = await TestServer.start(new ServedFile(bomb).listener);
    expect((await attempt(server.url())).failure).toMatchObject({ code: 'INVALID' });
    await expectNothing();
  });
});

it('of which the version that was noted cannot be read begins anew', async () => {
  const served = new ServedFile(packed);
  served.cuts.push(5 * MIB);
  await using server = await TestServer.start(served.listener);
  await attempt(server.url());
  const state = join(folder.path, 'staging', IMAGE, 'state');
  await writeFile(state, JSON.stringify({ ...JSON.parse(await readFile(state, 'utf8')), note: '"v1"' }));
  expect((await attempt(server.url())).failure).toBeUndefined();
  expect(rangesAt(server)).toEqual([undefined, undefined]);
  await expectWhole();
});

it('of a length that nobody says is gone on with', async () => {
  const served = Object.assign(new ServedFile(packed), { chunked: true });
  served.cuts.push(5 * MIB);
  await using server = await TestServer.start(served.listener);
  await attempt(server.url());
  expect((await attempt(server.url())).failure).toBeUndefined();
  expect(rangesAt(server)).toEqual([undefined, `bytes=${5 * MIB}-`]);
  await expectWhole();
});

it('tells why a server is asked again', async () => {
  const served = new ServedFile(packed);
  served.cuts.push(MIB, MIB);
  await using server = await TestServer.start(served.listener);
  const { source } = sourceWith();
  const url = server.url('/f?token=secret').replace('//', '//alice:password@');
  expect((await attempt(url, { source })).failure).toBeUndefined();
  expect(retries.map(({ code }) => code)).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
  expect(retries.map(({ message }) => message).join()).not.toMatch(/secret|password/);
});
