import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { describeWithCeph } from '../../ceph/cluster/describe.ts';
import type { Cloud } from '../../cloud/cloud.ts';
import { attempts, copies, createImage, image } from '../../cloud/records.ts';
import { writeSampleImage } from '../../cloud/sample-image.ts';
import { waitFor } from '../../cloud/wait.ts';
import { CephCloud, sha256OfFile } from './ceph-cloud.ts';

const MIB = 1024 * 1024;
const SAMPLE = { sizeBytes: 640 * MIB, dataBytes: 320 * MIB };

/** What may be sent again after anything was cut: what the README promises. */
const RESENT_BYTES = 64 * MIB;

await describeWithCeph('whatever is killed in the middle of a copy on real clusters, it goes on', () => {
  let ceph: CephCloud;
  let cloud: Cloud;
  let sha256: string;
  let id: string;

  beforeAll(async () => {
    ceph = await CephCloud.start({
      timeoutMs: 3000,
      hub: { queue: { retry: { first_delay_ms: 100, max_delay_ms: 1000 } } },
    });
    ({ cloud } = ceph);
    const file = join(cloud.folder, 'sample.raw');
    await writeSampleImage(file, SAMPLE);
    sha256 = await sha256OfFile(file);
    id = await createImage(cloud, file);
  }, 180_000);

  afterAll(async () => {
    await ceph?.[Symbol.asyncDispose]();
  });

  /** A copy to dcn0 that has moved at least `doneBytes`, and has not all. */
  async function midCopy(doneBytes = 100 * MIB): Promise<void> {
    expect((await cloud.cli('image', 'copy', id, '--stores', 'dcn0')).exitCode).toBe(0);
    await waitFor('the copy to be half-way', async () => {
      const agent = await cloud.agent('dcn0').metrics();
      const line = agent.split('\n').find((one) => one.startsWith('entrepot_agent_copy_done_bytes{'));
      return line !== undefined && Number(line.split(' ')[1]) >= doneBytes;
    });
  }

  /** The copy ends by itself, is whole, and little of it was sent twice. */
  async function endsWell(): Promise<void> {
    await waitFor(
      'the copy to be there',
      async () => (await copies(cloud, id)).includes('dcn0=present'),
      150_000,
    );
    expect(await ceph.sha256('dcn0', id)).toBe(sha256);
    expect((await ceph.pool('dcn0')).sort()).toEqual([id]);
    const mine = attempts(cloud, id).filter((line) => line.storeId === 'dcn0' && line.kind === 'copy');
    const last = mine.at(-1);
    expect(last?.msg).toMatch(/is done/);
    expect(last?.resumedBytes).toBeGreaterThan(0);
    const { data_bytes: dataBytes } = (await image(cloud, id)) as unknown as { data_bytes: number };
    // What was there at the moment of the cut, and was not taken over, was sent again.
    const resent = resentBytes(dataBytes, last?.resumedBytes ?? 0, reached);
    expect(resent).toBeLessThanOrEqual(RESENT_BYTES);
  }

  let reached = 0;

  /** How far the receiver was when it was cut, as it counted itself a moment before. */
  async function noteReached(): Promise<void> {
    const agent = await cloud.agent('dcn0').metrics();
    const line = agent.split('\n').find((one) => one.startsWith('entrepot_agent_copy_done_bytes{'));
    reached = line === undefined ? 0 : Number(line.split(' ')[1]);
  }

  beforeEach(async () => {
    if ((await copies(cloud, id)).includes('dcn0')) {
      expect((await cloud.cli('image', 'delete-copy', id, '--store', 'dcn0', '--wait')).exitCode).toBe(0);
    }
  });

  test('the edge agent', async () => {
    await midCopy();
    await noteReached();
    await cloud.agent('dcn0').kill('SIGKILL');
    // Nothing half is ever named by the UUID.
    expect(await ceph.pool('dcn0')).toEqual([`entrepot.partial.${id}`]);
    await cloud.agent('dcn0').start();
    await endsWell();
  }, 120_000);

  test('the central agent', async () => {
    await midCopy();
    await noteReached();
    await cloud.agent('central').kill('SIGKILL');
    await cloud.agent('central').start();
    await endsWell();
  }, 120_000);

  test('the hub', async () => {
    await midCopy();
    await noteReached();
    await cloud.hub.kill('SIGKILL');
    await cloud.hub.start();
    await waitFor(
      'the copy to be there',
      async () => (await copies(cloud, id)).includes('dcn0=present'),
      90_000,
    );
    expect(await ceph.sha256('dcn0', id)).toBe(sha256);
    // Data goes from agent to agent: the attempt went on, and was not begun again.
    const mine = attempts(cloud, id).filter((line) => line.storeId === 'dcn0' && line.kind === 'copy');
    expect(mine.at(-1)).toMatchObject({ resumedBytes: 0 });
  }, 120_000);

  test('hub and both agents at once', async () => {
    await midCopy();
    await noteReached();
    await Promise.all(
      [cloud.hub, cloud.agent('dcn0'), cloud.agent('central')].map((one) => one.kill('SIGKILL')),
    );
    cloud.hub.spawn();
    cloud.agent('dcn0').spawn();
    cloud.agent('central').spawn();
    await cloud.hub.ready();
    await endsWell();
  }, 120_000);

  test('the edge cluster, stopped and started again', async () => {
    await midCopy();
    await noteReached();
    const cluster = ceph.cluster('dcn0');
    await cluster.stopOsd('SIGKILL');
    await waitFor('the failure to be told', async () => {
      const shown = await image(cloud, id);
      return (shown.copies.find((copy) => copy.store_id === 'dcn0')?.reason ?? '') !== '';
    });
    expect(await copies(cloud, id)).toBe('central=present dcn0=copying');
    await cluster.startOsd();
    await endsWell();
  }, 360_000);
});

function resentBytes(dataBytes: number, resumedBytes: number, reachedBytes: number): number {
  return Math.max(0, Math.min(dataBytes, reachedBytes) - resumedBytes);
}
