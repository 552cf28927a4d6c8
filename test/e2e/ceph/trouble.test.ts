import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { describeWithCeph } from '../../ceph/cluster/describe.ts';
import type { Cloud } from '../../cloud/cloud.ts';
import { ENTREPOT } from '../../cloud/daemon-process.ts';
import { copies, createImage, image, type ShownJob } from '../../cloud/records.ts';
import { writeSampleImage } from '../../cloud/sample-image.ts';
import { waitFor } from '../../cloud/wait.ts';
import { CephCloud, sha256OfFile } from './ceph-cloud.ts';

const MIB = 1024 * 1024;
/** A disk of 1 GiB calls itself full at some 600 MiB. */
const SMALL_DISK_BYTES = 1024 * MIB;
const FILLER_BYTES = 700 * MIB;

await describeWithCeph('what goes wrong at a real site', () => {
  let ceph: CephCloud;
  let cloud: Cloud;
  let file: string;

  beforeAll(async () => {
    ceph = await CephCloud.start({ blockBytes: SMALL_DISK_BYTES });
    ({ cloud } = ceph);
    file = join(cloud.folder, 'sample.raw');
    await writeSampleImage(file, { sizeBytes: 256 * MIB, dataBytes: 160 * MIB });
  }, 120_000);

  afterAll(async () => {
    await ceph?.[Symbol.asyncDispose]();
  });

  test('a pool that fills up midway: failed with that reason, nothing in the way, well after space is made', async () => {
    const id = await createImage(cloud, file);
    const dcn0 = ceph.cluster('dcn0');
    await dcn0.rbd(['create', '--size', '1G', 'images/filler']);
    const bench = [
      'bench',
      '--io-type',
      'write',
      '--io-size',
      '4M',
      '--io-threads',
      '4',
      '--io-pattern',
      'seq',
    ];
    // Leaves room for some of the image, and not for all of it.
    const fill = FILLER_BYTES - 180 * MIB;
    await dcn0.rbd([...bench, '--io-total', String(fill), 'images/filler'], { timeoutMs: 120_000 });
    // Not so fast that it is over between two looks at it.
    expect((await cloud.cli('store', 'set', 'dcn0', '--rate', '40M')).exitCode).toBe(0);
    const { job } = await cloud.json<{ job: ShownJob }>('image', 'copy', id, '--stores', 'dcn0');
    // An OSD looks at its disk every few seconds: the source pauses until it has seen that it is full.
    await waitFor('the disk to be full enough', async () => {
      const line = /entrepot_agent_copy_done_bytes\{[^}]*\} (\d+)/.exec(await cloud.agent('dcn0').metrics());
      return Number(line?.[1] ?? 0) >= 110 * MIB || cloud.agent('dcn0').log().includes('copy failed');
    });
    process.kill(cloud.agent('central').pid, 'SIGSTOP');
    try {
      await waitFor('the pool to be full', async () =>
        /POOL_FULL/.test(await dcn0.ceph(['health', 'detail'])),
      );
    } finally {
      process.kill(cloud.agent('central').pid, 'SIGCONT');
    }
    expect((await cloud.cli('store', 'set', 'dcn0', '--rate', 'off')).exitCode).toBe(0);
    const full = await cloud.cli('job', 'watch', job.id);
    expect(full.stderr).toMatch(/pool 'images' is full/);
    expect(full.exitCode).not.toBe(0);
    expect(await copies(cloud, id)).toBe('central=present dcn0=failed');
    expect((await image(cloud, id)).copies.find((copy) => copy.store_id === 'dcn0')?.reason).toMatch(
      /full|space/i,
    );
    expect(await ceph.pool('dcn0')).toEqual(['filler']);

    // A full cluster takes no deletes either, until it is allowed a little more (docs of Ceph: no free drive space).
    await dcn0.ceph(['osd', 'set-full-ratio', '0.98']);
    await waitFor('the cluster to take deletes', () =>
      dcn0.rbd(['rm', '--no-progress', 'images/filler'], { timeoutMs: 20_000 }).then(
        () => true,
        () => false,
      ),
    );
    await waitFor('the pool to have space again', async () => {
      const again = await cloud.cli('image', 'copy', id, '--stores', 'dcn0', '--wait');
      return again.exitCode === 0;
    });
    expect(await ceph.sha256('dcn0', id)).toBe(await sha256OfFile(file));
  }, 180_000);

  /** Runs an agent with a changed configuration until it ends by itself. */
  async function runAgent(change: (config: { driver: Record<string, unknown> }) => void) {
    const config = parse(await readFile(join(cloud.folder, 'agent-dcn1.yaml'), 'utf8'));
    change(config);
    config.listen = { transfer: '127.0.0.1:0', http: '127.0.0.1:0' };
    const path = join(cloud.folder, 'changed.yaml');
    await writeFile(path, stringify(config));
    return execa(process.execPath, [ENTREPOT, 'agent', '--config', path], { reject: false, timeout: 30_000 });
  }

  test('a pool that is not there ends the agent with a sentence that says so', async () => {
    const { exitCode, stderr } = await runAgent(({ driver }) => {
      driver['pool'] = 'imagse';
    });
    expect(exitCode).toBeGreaterThan(0);
    expect(stderr).toMatch(/pool '?imagse'? is not/);
  });

  test('a client the cluster does not know ends the agent with a sentence that says so', async () => {
    const { exitCode, stderr } = await runAgent(({ driver }) => {
      driver['client'] = 'nobody';
    });
    expect(exitCode).toBeGreaterThan(0);
    expect(stderr).toMatch(/keyring|client\.nobody|nobody/);
  });

  test('a store whose agent has another cluster all of a sudden is refused (R10)', async () => {
    await cloud.agent('dcn1').stop();
    const path = join(cloud.folder, 'agent-dcn1.yaml');
    const config = parse(await readFile(path, 'utf8'));
    const right = config.driver.conf;
    config.driver.conf = ceph.cluster('dcn0').confPath;
    await writeFile(path, stringify(config));
    cloud.agent('dcn1').spawn();
    await waitFor('the refusal to be logged', () => cloud.agent('dcn1').log().includes('is pinned to fsid'));
    const stores = await cloud.json<{ id: string; online: boolean; fsid: string }[]>('store', 'list');
    expect(stores.find((store) => store.id === 'dcn1')).toMatchObject({
      online: false,
      fsid: ceph.cluster('dcn1').fsid,
    });
    await cloud.agent('dcn1').stop();
    config.driver.conf = right;
    await writeFile(path, stringify(config));
    await cloud.agent('dcn1').start();
  }, 60_000);
});
