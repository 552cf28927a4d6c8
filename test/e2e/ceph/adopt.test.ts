import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithCeph } from '../../ceph/cluster/describe.ts';
import type { Cloud } from '../../cloud/cloud.ts';
import { copies, image, type ShownImage, type ShownJob } from '../../cloud/records.ts';
import { writeSampleImage } from '../../cloud/sample-image.ts';
import { CephCloud, sha256OfFile } from './ceph-cloud.ts';

const MIB = 1024 * 1024;
const SIZE_BYTES = 32 * MIB;

interface ShownSnapshot {
  readonly name: string;
  readonly protected: string;
}

await describeWithCeph('adopting what lies in a real cluster', () => {
  let ceph: CephCloud;
  let cloud: Cloud;
  let qcow2: string;
  let sha256: string;

  beforeAll(async () => {
    ceph = await CephCloud.start();
    ({ cloud } = ceph);
    const raw = join(cloud.folder, 'sample.raw');
    await writeSampleImage(raw, { sizeBytes: SIZE_BYTES, dataBytes: 12 * MIB });
    sha256 = await sha256OfFile(raw);
    qcow2 = join(cloud.folder, 'sample.qcow2');
    await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, qcow2]);
  }, 120_000);

  afterAll(async () => {
    await ceph?.[Symbol.asyncDispose]();
  });

  const rbd = (...args: string[]) => ceph.cluster('central').rbd(args);
  const adopt = (...args: string[]) => cloud.cli('image', 'adopt', ...args, '-o', 'json');
  const adoptable = (name: string) => `rbd:images/${name}:id=images:conf=${ceph.cluster('central').confPath}`;
  const listed = () => cloud.json<ShownImage[]>('image', 'list');

  /** As people do it by hand. */
  async function convertInto(name: string): Promise<void> {
    await execa('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', qcow2, adoptable(name)]);
  }

  /** As Glance leaves it. */
  async function withSnap(name: string): Promise<void> {
    await convertInto(name);
    await rbd('snap', 'create', '--no-progress', `images/${name}@snap`);
    await rbd('snap', 'protect', `images/${name}@snap`);
  }

  async function snapshots(name: string): Promise<ShownSnapshot[]> {
    return JSON.parse(await rbd('snap', 'ls', `images/${name}`, '--format', 'json')) as ShownSnapshot[];
  }

  /** The id of the image that a command with `--wait` has made. */
  async function adopted(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await adopt(...args, '--wait');
    expect(exitCode, stderr).toBe(0);
    return (JSON.parse(stdout) as { job: { image_id: string } }).job.image_id;
  }

  async function expectOurs(id: string): Promise<void> {
    expect(await image(cloud, id)).toMatchObject({
      status: 'active',
      size_bytes: SIZE_BYTES,
      disk_format: 'raw',
      container_format: 'bare',
      copies: [{ store_id: 'central', state: 'present' }],
    });
    expect(await snapshots(id)).toMatchObject([{ name: 'snap', protected: 'true' }]);
    expect(await ceph.sha256('central', id)).toBe(sha256);
  }

  test('a dry run says the steps and changes nothing; --move makes it ours where it lies', async () => {
    await convertInto('base');
    const { id: cephId } = JSON.parse(await rbd('info', 'images/base', '--format', 'json')) as { id: string };
    const dry = await adopt('--rbd', 'images/base', '--move', '--dry-run');
    expect(JSON.parse(dry.stdout)).toEqual({
      pool: 'images',
      image: 'base',
      size_bytes: SIZE_BYTES,
      steps: [
        'make the snapshot images/base@snap',
        'protect the snapshot images/base@snap',
        'rename images/base to the UUID of the image',
        'read all of it for its digests',
        'list it in the catalogue',
      ],
    });
    expect(await ceph.pool('central')).toEqual(['base']);
    expect(await snapshots('base')).toEqual([]);
    expect(await listed()).toEqual([]);

    const id = await adopted('--rbd', 'images/base', '--move', '--name', 'debian-13');
    await expectOurs(id);
    expect(await image(cloud, id)).toMatchObject({ name: 'debian-13' });
    expect(await ceph.pool('central')).toEqual([id]);
    // Not a copy of it: the same image by another name.
    expect(JSON.parse(await rbd('info', `images/${id}`, '--format', 'json'))).toMatchObject({ id: cephId });

    const again = await adopt('--rbd', 'images/base', '--move', '--wait');
    expect(again).toMatchObject({ exitCode: 3, stdout: '' });
    expect(again.stderr).toContain('images/base');
    const byId = await adopt('--rbd', `images/${id}`, '--wait');
    expect(byId).toMatchObject({ exitCode: 4, stdout: '' });
    expect((await listed()).map((one) => one.id)).toEqual([id]);
    await expectOurs(id);
  }, 60_000);

  test('what Glance left is taken by its name, and goes to an edge', async () => {
    const id = randomUUID();
    await withSnap(id);
    const child = `vm-${id}`;
    await rbd('clone', `images/${id}@snap`, `images/${child}`);
    expect(await adopted('--rbd', `images/${id}`, '--stores', 'dcn0')).toBe(id);
    expect(await copies(cloud, id)).toBe('central=present dcn0=present');
    for (const storeId of ['central', 'dcn0']) expect(await ceph.sha256(storeId, id)).toBe(sha256);
    expect((await cloud.cli('image', 'copy', id, '--stores', 'dcn1', '--wait')).exitCode).toBe(0);
    expect(await ceph.sha256('dcn1', id)).toBe(sha256);
    // Whoever boots from it goes on doing so.
    expect(await rbd('children', `images/${id}@snap`)).toContain(child);
    await rbd('rm', '--no-progress', `images/${child}`);
  }, 60_000);

  test('--all takes every image with a protected snapshot that is not ours yet, and no other', async () => {
    const [one, two, three, unprotected] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    for (const name of [one, two, three]) await withSnap(name);
    await convertInto(unprotected);
    await withSnap('no-uuid');
    const known = (await listed()).map(({ id }) => id);
    const dry = await adopt('--all', '--pool', 'images', '--dry-run');
    const wanted = [one, two, three].sort();
    expect((JSON.parse(dry.stdout) as { image_ids: string[] }).image_ids.sort()).toEqual(wanted);
    expect((await listed()).map(({ id }) => id)).toEqual(known);

    const done = await adopt('--all', '--pool', 'images', '--wait');
    expect(done.exitCode, done.stderr).toBe(0);
    const { jobs } = JSON.parse(done.stdout) as { jobs: ShownJob[] };
    expect(jobs.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    for (const id of wanted) await expectOurs(id);
    expect((await listed()).map(({ id }) => id).sort()).toEqual([...known, ...wanted].sort());
    expect(await snapshots(unprotected)).toEqual([]);
    for (const name of ['no-uuid', unprotected]) {
      for (const { name: snap } of await snapshots(name)) {
        await rbd('snap', 'unprotect', `images/${name}@${snap}`);
        await rbd('snap', 'purge', '--no-progress', `images/${name}`);
      }
      await rbd('rm', '--no-progress', `images/${name}`);
    }
  }, 60_000);

  test('without --move it is copied, a clone as well, and the original stays as it was', async () => {
    await convertInto('gold');
    const copied = await adopted('--rbd', 'images/gold');
    await expectOurs(copied);
    expect(await snapshots('gold')).toEqual([]);

    await rbd('clone', `images/${copied}@snap`, 'images/snowflake');
    const moved = await adopt('--rbd', 'images/snowflake', '--move', '--wait');
    expect(moved.exitCode).toBe(2);
    expect(moved.stderr).toContain(`images/${copied}@snap`);
    const ofClone = await adopted('--rbd', 'images/snowflake');
    await expectOurs(ofClone);
    const info = JSON.parse(await rbd('info', `images/${ofClone}`, '--format', 'json')) as object;
    expect(info).not.toHaveProperty('parent');
    expect(await rbd('children', `images/${copied}@snap`)).toContain('snowflake');
    await rbd('rm', '--no-progress', 'images/snowflake');
    await rbd('rm', '--no-progress', 'images/gold');
  }, 60_000);

  test('an image that somebody writes to is refused, and nothing is done to it', async () => {
    await convertInto('busy');
    const records = async () => (await listed()).filter(({ status }) => status === 'queued');
    expect(await records()).toEqual([]);
    await using writer = await Writer.open(adoptable('busy'));
    for (const how of [['--move'], []]) {
      const refused = await adopt('--rbd', 'images/busy', ...how, '--wait');
      expect(refused).toMatchObject({ exitCode: 4 });
      expect(refused.stderr).toContain('IN_USE');
      expect(refused.stderr).toContain('open for writing at');
    }
    expect(await snapshots('busy')).toEqual([]);
    expect(await ceph.pool('central')).toContain('busy');
    // The records wait for another attempt.
    const [record, other] = await records();
    expect([record?.copies, other?.copies]).toEqual([[], []]);
    await writer.close();
    const id = await adopted('--rbd', 'images/busy', '--move', '--id', record?.id ?? '');
    expect(id).toBe(record?.id);
    await expectOurs(id);
  }, 60_000);
});

/** A program that has an image open for writing, as a machine has its disk. */
class Writer implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async open(image: string): Promise<Writer> {
    const child = spawn('qemu-io', ['-f', 'raw', image], { stdio: ['pipe', 'pipe', 'inherit'] });
    // Zeros where there are some, so that what is in it stays the same. Its answer says that the image is open.
    child.stdin?.write(`write -P 0 ${SIZE_BYTES - 4096} 4096\nflush\n`);
    let said = '';
    for await (const text of child.stdout?.setEncoding('utf8') ?? []) {
      said += text as string;
      if (said.includes('wrote 4096/4096')) break;
    }
    return new Writer(child);
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end('quit\n');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
