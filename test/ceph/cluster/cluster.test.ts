import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Script } from '../script.ts';
import { daemonPids, isZombie, processStart } from './daemon.ts';
import { describeWithCeph } from './describe.ts';
import { CephCluster, startClusters } from './index.ts';
import { registryFolder, removeStaleClusters } from './registry.ts';

const TEST_TIMEOUT_MS = 60_000;

await describeWithCeph('clusters for tests', () => {
  let parent = '';
  beforeAll(async () => {
    parent = await mkdtemp(path.join(tmpdir(), 'entrepot-clusters-'));
  });
  afterAll(() => rm(parent, { recursive: true, force: true }));

  const runs = (folder: string) =>
    (['mon', 'osd'] as const).map((kind) => daemonPids(folder, kind).length > 0);

  const isRunning = (pid: number | undefined) =>
    pid !== undefined && processStart(pid) !== undefined && !isZombie(pid);

  it('come up several at a time, go away and return', { timeout: TEST_TIMEOUT_MS }, async () => {
    const clusters = await startClusters(['central', 'dcn0'], parent);
    const [central, dcn0] = clusters;
    if (central === undefined || dcn0 === undefined) throw new Error('two were asked for');
    expect(central.fsid).not.toBe(dcn0.fsid);
    await central.rbd(['create', '--size', '4M', 'images/a'], { as: 'images' });
    expect(await central.rbd(['ls', 'images'], { as: 'images' })).toBe('a');
    expect(await dcn0.rbd(['ls', 'images'], { as: 'images' })).toBe('');
    expect((await central.ceph(['fsid'])).trim()).toBe(central.fsid);

    await central.stopOsd('SIGKILL');
    expect(runs(central.folder)).toEqual([true, false]);
    await central.startOsd();
    expect(await central.rbd(['ls', 'images'], { as: 'images' })).toBe('a');

    await Promise.all(clusters.map((cluster) => cluster[Symbol.asyncDispose]()));
    for (const { folder } of clusters) {
      expect(existsSync(folder)).toBe(false);
      expect(runs(folder)).toEqual([false, false]);
    }
  });

  it.each(['exit', 'SIGKILL'])(
    'are removed when their owner ends by %s',
    { timeout: TEST_TIMEOUT_MS },
    async (end) => {
      const folder = path.join(parent, end);
      await using owner = new Script('cluster/cluster-owner.ts', [folder]);
      await owner.nextLine();
      const pids = (['mon', 'osd'] as const).flatMap((kind) => daemonPids(folder, kind));
      if (end === 'exit') await owner.end('exit');
      else {
        await owner.kill();
        expect(pids).toEqual((['mon', 'osd'] as const).flatMap((kind) => daemonPids(folder, kind)));
        await removeStaleClusters();
      }
      expect(existsSync(folder)).toBe(false);
      // After `exit` they were killed without waiting.
      await expect.poll(() => pids.some(isRunning), { timeout: 20_000 }).toBe(false);
      const entries = readdirSync(registryFolder()).map((name) =>
        readFileSync(path.join(registryFolder(), name), 'utf8'),
      );
      expect(entries.filter((entry) => entry.includes(folder))).toEqual([]);
    },
  );

  it('are removed when their owner ends while they come up', { timeout: TEST_TIMEOUT_MS }, async () => {
    const folder = path.join(parent, 'early');
    await using owner = new Script('cluster/cluster-owner.ts', [folder]);
    // As soon as the OSD is a process, and before it has written down its number.
    await expect
      .poll(() => daemonPids(folder, 'osd').length, { interval: 1, timeout: 30_000 })
      .toBeGreaterThan(0);
    await owner.end('exit');
    await expect.poll(() => runs(folder), { timeout: 20_000 }).toEqual([false, false]);
    expect(existsSync(folder)).toBe(false);
  });

  it('of living owners are left alone', { timeout: TEST_TIMEOUT_MS }, async () => {
    const folder = path.join(parent, 'alive');
    await using owner = new Script('cluster/cluster-owner.ts', [folder]);
    await owner.nextLine();
    await using mine = await CephCluster.start({ name: 'mine', folder: path.join(parent, 'mine') });
    await removeStaleClusters();
    expect(runs(folder)).toEqual([true, true]);
    expect(runs(mine.folder)).toEqual([true, true]);
    await owner.end('exit');
    expect(existsSync(folder)).toBe(false);
  });
});
