import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Job } from '../../../src/cli/wire.ts';
import { describeWithCeph } from '../../ceph/cluster/describe.ts';
import { CuttableProxy } from '../../cloud/cuttable-proxy.ts';
import { waitFor } from '../../cloud/wait.ts';
import { HeldFiles } from '../held-files.ts';
import { Bench, CliProcess, MIB } from '../helpers-file.ts';
import { realQcow2 } from '../hostile-files.ts';
import { expectNothingLeft, HeldFile, LOOPBACK_WEB, phaseOf, record, staged, wasIn } from '../importing.ts';
import { commands, killDaemons, startDaemons } from '../killing.ts';
import { CephSites, STORE_IDS, sha256OfFile } from './ceph-sites.ts';

/** Enough that each phase lasts longer than it takes to hear of it. */
const DISK = { sizeMib: 64, dataMib: 48 };

/** Two processors, for all that is started again. */
const ENDS_WITHIN_MS = 60_000;

await describeWithCeph('whatever is killed in the middle of an import into real clusters', () => {
  let sites: CephSites;
  let bench: Bench;
  let server: HeldFiles;
  let raw: Buffer;
  let qcow2: Buffer;
  /** Of what qemu-img makes of the qcow2. */
  let sha256: string;
  /** Images that every site has to have, and nothing else. */
  const whole: string[] = [];

  beforeAll(async () => {
    server = await HeldFiles.start();
    sites = await CephSites.start();
    bench = await Bench.start({
      storeIds: STORE_IDS,
      driver: sites.driver,
      agent: () => ({ web_download: LOOPBACK_WEB }),
    });
    raw = readFileSync(await bench.sample('disk', DISK.sizeMib, DISK.dataMib));
    qcow2 = realQcow2(bench.folder, 'packed', raw);
    const [from, to] = [join(bench.folder, 'packed.qcow2'), join(bench.folder, 'expected.raw')];
    execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', from, to]);
    sha256 = await sha256OfFile(to);
  }, 120_000);

  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]();
    await sites?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  /** An import to all stores, of which the second half is kept back until the file is released. */
  async function begin(diskFormat: 'qcow2' | 'raw', { mustSucceed = false } = {}) {
    const imageId = await record(bench, { diskFormat });
    const bytes = diskFormat === 'raw' ? raw : qcow2;
    const file = new HeldFile(bytes, bytes.length / 2);
    const target = { allStores: true, allStoresMustSucceed: mustSucceed };
    return { imageId, file, job: await server.download(bench, imageId, file, target) };
  }

  /** Some phases are over within the time that `waitFor` waits. */
  async function reached(imageId: string, phase: string): Promise<void> {
    const deadline = AbortSignal.timeout(ENDS_WITHIN_MS);
    while (!wasIn(bench, imageId, phase)) await delay(2, undefined, { signal: deadline });
  }

  /** How often central has begun to take the image in. */
  function attempts(imageId: string): number {
    const lines = bench.log('central').filter((line) => line['imageId'] === imageId);
    return lines.filter(({ msg }) => msg === 'ingest starts').length;
  }

  async function expectWhole(job: Job): Promise<void> {
    const { imageId } = job;
    expect(await bench.ended(job.id, ENDS_WITHIN_MS)).toMatchObject({ state: 'succeeded', reason: '' });
    expect(await bench.image(imageId)).toMatchObject({
      status: 'active',
      diskFormat: 'raw',
      osGlanceImportingToStores: [],
      osGlanceFailedImport: [],
    });
    expect(await bench.holders(imageId)).toEqual(STORE_IDS);
    const snapshots = async (storeId: string): Promise<unknown> =>
      JSON.parse(
        await sites.cluster(storeId).rbd(['snap', 'ls', '--all', `images/${imageId}`, '--format', 'json']),
      );
    await Promise.all(
      STORE_IDS.map(async (storeId) => {
        expect(await sites.sha256(storeId, imageId), storeId).toBe(sha256);
        expect(await snapshots(storeId), storeId).toMatchObject([{ name: 'snap', protected: 'true' }]);
      }),
    );
    whole.push(imageId);
    await expectNothingElse();
  }

  /** What a site keeps: objects in its cluster, of images with a name and without, and files beside it. */
  async function kept(storeId: string) {
    const objects = (await sites.cluster(storeId).rados(['-p', 'images', 'ls'])).split('\n');
    const named = (pattern: RegExp) => objects.flatMap((name) => pattern.exec(name)?.[1] ?? []);
    return {
      names: named(/^rbd_id\.(.+)$/).sort(),
      count: new Set(named(/^rbd_(?:header|object_map|data)\.([0-9a-f]+)/)).size,
      staged: staged(bench, storeId),
    };
  }

  async function expectNothingElse(): Promise<void> {
    const all = () => Promise.all(STORE_IDS.map(kept));
    const expected = { names: [...whole].sort(), count: whole.length, staged: [] };
    await expect.poll(all, { timeout: 20_000 }).toEqual(STORE_IDS.map(() => expected));
    expect(convertors()).toEqual([]);
  }

  /** What converts files of this bench, whoever started it. */
  const convertors = () =>
    commands().filter((command) => command.includes('qemu-img') && command.includes(bench.folder));

  test.each([
    ['hub, then central', 'fetching', 'qcow2'],
    ['central', 'converting', 'qcow2'],
    ['hub', 'converting', 'qcow2'],
    ['central', 'hashing', 'qcow2'],
    ['hub', 'hashing', 'qcow2'],
    ['central', 'verifying', 'raw'],
    ['central', 'publishing', 'qcow2'],
  ] as const)(
    '%s, while central is %s what is %s',
    async (victims, phase, diskFormat) => {
      // Some phases are over in a tenth of a second: who was not in time tries again, and the image is whole all the same.
      let killed = await killIn(victims.split(', then '), phase, diskFormat);
      for (let tries = 1; killed.phase !== phase && tries < 3; tries++) {
        await expectWhole(killed.job);
        killed = await killIn(victims.split(', then '), phase, diskFormat);
      }
      expect(killed.phase).toBe(phase);
      await expectWhole(killed.job);
      // The death of the hub costs the agent nothing of what it has done.
      if (victims === 'hub') expect(attempts(killed.job.imageId)).toBe(1);
    },
    4 * ENDS_WITHIN_MS,
  );

  /** Kills daemons in a phase of an import, one after the other. The phase in which central was, as its log has it. */
  async function killIn(victims: readonly string[], phase: string, diskFormat: 'qcow2' | 'raw') {
    const { imageId, file, job } = await begin(diskFormat);
    if (phase !== 'fetching') file.release();
    await reached(imageId, phase);
    let diedIn: string | undefined;
    for (const victim of victims) {
      await killDaemons(bench, victim);
      // Each phase is in its log before it is begun.
      diedIn ??= phaseOf(bench, imageId);
      if (victim === 'central') expect(convertors()).toEqual([]);
      await startDaemons(bench, victim);
    }
    file.release();
    return { job, phase: diedIn };
  }

  test(
    'central, then the hub, while an operator sends it: the command goes on',
    async () => {
      await using line = await CuttableProxy.start(Number(bench.cloud.hubAddress.split(':')[1]));
      line.holdAfter(24 * MIB);
      const imageId = randomUUID();
      const { operatorFolder } = bench.cloud;
      const at = ['--hub', line.address, '--credentials', operatorFolder];
      const what = [
        '--name',
        'sent',
        '--id',
        imageId,
        '--file',
        join(bench.folder, 'disk.raw'),
        '--all-stores',
      ];
      const sending = new CliProcess([...at, 'image', 'create', ...what]);
      for (const victim of ['central', 'hub']) {
        await line.held(ENDS_WITHIN_MS);
        await killDaemons(bench, victim);
        await startDaemons(bench, victim);
        line.holdAfter(8 * MIB);
      }
      line.release();
      const { exitCode, stderr } = await sending.exited;
      expect(exitCode, stderr).toBe(0);
      const [job] = await bench.calls.listJobs({ imageId, all: true });
      await expectWhole(job as Job);
      expect(job?.tasks[0]?.attempt).toBeGreaterThan(1);
    },
    2 * ENDS_WITHIN_MS,
  );

  test(
    'an edge, central and the hub, one after the other, while the image is on its way to the edges',
    async () => {
      const victims = ['dcn0', 'central', 'hub'];
      // All together less than the data: no edge has it all before the last has died, also where one gets everything.
      const stretchBytes = (DISK.dataMib * MIB) / (victims.length + 1);
      bench.line.holdAfter(stretchBytes);
      const { imageId, file, job } = await begin('qcow2');
      file.release();
      for (const victim of victims) {
        await bench.line.held(ENDS_WITHIN_MS);
        expect(await bench.image(imageId)).toMatchObject({ status: 'active' });
        expect(await bench.holders(imageId)).toEqual(['central']);
        await killDaemons(bench, victim);
        await startDaemons(bench, victim);
        bench.line.holdAfter(stretchBytes);
      }
      bench.line.release();
      await expectWhole(job);
      expect(attempts(imageId)).toBe(1);
    },
    2 * ENDS_WITHIN_MS,
  );

  // The last one: that edge stays full.
  test(
    'all of it, on its way to edges of which all must have it, and one has become full (R12)',
    async () => {
      bench.line.holdAfter((DISK.dataMib * MIB) / 2);
      const { imageId, file, job } = await begin('qcow2', { mustSucceed: true });
      file.release();
      await bench.line.held(ENDS_WITHIN_MS);
      expect((await bench.image(imageId)).status).toBe('importing');
      await fill('dcn1');
      await killDaemons(bench, 'hub', ...STORE_IDS);
      bench.line.release();
      await startDaemons(bench, 'hub', ...STORE_IDS);
      expect(await bench.ended(job.id, ENDS_WITHIN_MS)).toMatchObject({
        state: 'failed',
        reasonCode: 'NO_SPACE',
      });
      expect((await expectNothingLeft(bench, imageId)).osGlanceFailedImport).toEqual(['dcn1']);
      await expectNothingElse();
    },
    2 * ENDS_WITHIN_MS,
  );

  /** The cluster calls itself full from now on, and takes no more. */
  async function fill(storeId: string): Promise<void> {
    const cluster = sites.cluster(storeId);
    const ratios = ['nearfull', 'backfillfull', 'full'].map((name) => `osd set-${name}-ratio 0.000001\n`);
    await cluster.ceph([], { input: ratios.join('') });
    await waitFor(`${storeId} to be full`, async () => {
      const { pools } = JSON.parse(await cluster.ceph(['osd', 'dump', '-f', 'json'])) as {
        pools: readonly { readonly flags_names: string }[];
      };
      return pools.every(({ flags_names: flags }) => flags.split(',').includes('full'));
    });
  }
});
