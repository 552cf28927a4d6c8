import { copyFile, open, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PartialFile } from '../../../src/cli/download/partial-file.ts';
import { requireRoom } from '../../../src/cli/download/target.ts';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { DownloadRequest__Output } from '../../../src/rpc/generated/entrepot/v1/DownloadRequest.ts';
import { waitFor } from '../../cloud/wait.ts';
import { gate } from '../rpc/harness.ts';
import { FakeHub, Folder } from './run.ts';
import { END, FRAMES, record, SIZE, serving, WHOLE } from './sample-download.ts';
import { IMAGE_ID, OTHER_JOB_ID } from './samples.ts';

/** Of the image's first chunk of data, without the blocks of zeros. */
const FRAME_BYTES = 1.5 * 1024 * 1024;

let folder: Folder;
let path: string;
beforeEach(async () => {
  folder = await Folder.make();
  path = folder.file('disk.raw');
});
afterEach(() => folder[Symbol.asyncDispose]());

const download = () => ['image', 'download', IMAGE_ID, '--file', path];

/** Runs a download that Ctrl-C ends after the image's first chunk of data. */
async function interrupted() {
  const begun = gate();
  await using hub = await FakeHub.with({
    Images: {
      Get: async () => record,
      Download: async (_request, write, { signal }) => {
        for (const frame of FRAMES.slice(0, 2)) await write(frame);
        begun.open();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    },
  });
  const { child, outcome } = hub.start(...download());
  await Promise.race([begun.opened, outcome]);
  await waitFor('both frames', async () => (await stat(`${path}.part`)).blocks * 512 >= FRAME_BYTES);
  child.kill('SIGINT');
  return await outcome;
}

describe('a download that was broken off', () => {
  it('says what it keeps, and the same command goes on from there', async () => {
    expect(await interrupted()).toMatchObject({
      code: 130,
      stderr: expect.stringContaining(
        `entrepot: interrupted; ${path}.part keeps 4 MiB of 8 MiB\nhint: the same command goes on from there\n`,
      ),
    });
    expect(await readdir(folder.path)).toEqual(['disk.raw.part', 'disk.raw.part.json']);
    const requests: DownloadRequest__Output[] = [];
    await using hub = await FakeHub.with(serving([...FRAMES, END], record, requests));
    expect(await hub.run(...download(), '--store', 'dcn0')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`${path}.part has 4 MiB of 8 MiB already: goes on from there\n`),
    });
    expect(requests).toEqual([{ imageId: IMAGE_ID, storeId: 'dcn0', fromByte: 2 * CHUNK_BYTES }]);
    expect((await readFile(path)).equals(WHOLE)).toBe(true);
    expect((await stat(path)).blocks * 512).toBeLessThan(2.75 * 1024 * 1024);
    expect(await readdir(folder.path)).toEqual(['disk.raw']);
  });

  it('is not gone on with for another image, which is said', async () => {
    await interrupted();
    const other = { ...record, root: 'cd'.repeat(32) };
    const requests: DownloadRequest__Output[] = [];
    await using hub = await FakeHub.with(serving([...FRAMES, END], other, requests));
    expect(await hub.run(...download())).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`${path}.part was of another image: this download begins anew\n`),
    });
    expect(requests).toMatchObject([{ fromByte: 0 }]);
    expect((await readFile(path)).equals(WHOLE)).toBe(true);
  });

  it('is read again as a whole: what was damaged since is found, and nothing left', async () => {
    await interrupted();
    const part = await open(`${path}.part`, 'r+');
    await part.write(Buffer.from('x'), 0, 1, CHUNK_BYTES + 7);
    await part.close();
    await using hub = await FakeHub.with(serving([...FRAMES, END]));
    expect(await hub.run(...download())).toMatchObject({
      code: 8,
      stderr: expect.stringContaining('the bytes that came are not the image'),
    });
    expect(await readdir(folder.path)).toEqual([]);
    expect(await hub.run(...download())).toMatchObject({ code: 0 });
  });

  it('by a refusal keeps what came as well', async () => {
    await using hub = await FakeHub.with({
      Images: {
        Get: async () => record,
        Download: async (_request, write) => {
          for (const frame of FRAMES.slice(0, 2)) await write(frame);
          throw new Refusal('CORRUPT', 'chunk 4 at central is damaged');
        },
      },
    });
    const { code, stderr } = await hub.run(...download());
    expect(code).toBe(8);
    expect(stderr).toContain(`${path}.part keeps 4 MiB of 8 MiB: the same command goes on from there\n`);
    expect(stderr).toContain('entrepot: chunk 4 at central is damaged\n');
  });
});

describe('a connection that breaks', () => {
  it('is made again, and the download goes on with the chunk it broke in', async () => {
    const asked: number[] = [];
    await using hub = await FakeHub.with({
      Images: {
        Get: async () => record,
        Download: async ({ fromByte }, write) => {
          asked.push(fromByte);
          const frames = [...FRAMES, END].filter(({ offset }) => offset >= fromByte);
          // Each time but the last one frame further, and once nothing at all.
          const count = [1, 2, 0, 1, frames.length][asked.length - 1] ?? 0;
          for (const frame of frames.slice(0, count)) await write(frame);
          if (asked.length < 5) throw new Refusal('UNAVAILABLE', 'the hub is stopping');
        },
      },
    });
    const { code, stderr } = await hub.run(...download());
    expect(code, stderr).toBe(0);
    expect(asked).toEqual([0, 1, 2, 2, 5].map((chunk) => chunk * CHUNK_BYTES));
    expect(stderr).toContain('the hub is stopping; the download goes on as soon as it can\n');
    expect((await readFile(path)).equals(WHOLE)).toBe(true);
  });

  it('for longer than the wait is given up, and what came is kept', async () => {
    await using hub = await FakeHub.with(serving(FRAMES.slice(0, 3)));
    const begunAtMs = Date.now();
    const { code, stderr } = await hub.run(...download(), '--timeout', '1');
    expect(code).toBe(6);
    expect(Date.now() - begunAtMs).toBeGreaterThan(1000);
    expect(stderr).toContain('keeps 8 MiB of 8 MiB: the same command goes on');
  });

  it('is no matter before anything came: a refusal is told at once', async () => {
    let calls = 0;
    await using hub = await FakeHub.with({
      Images: {
        Get: async () => record,
        Download: async () => {
          calls++;
          throw new Refusal('UNAVAILABLE', 'store central is away');
        },
      },
    });
    expect(await hub.run(...download())).toMatchObject({ code: 6 });
    expect(calls).toBe(1);
    expect(await readdir(folder.path)).toEqual([]);
  });
});

describe('a partial file', () => {
  const CONTENT = { imageId: IMAGE_ID, root: 'ab'.repeat(32), sizeBytes: SIZE };
  const data = Buffer.alloc(CHUNK_BYTES, 'd');
  const allocatedBytes = async () => (await stat(path)).blocks * 512;
  const mark = (chunks: number) => ({ completeBytes: chunks * CHUNK_BYTES, dataBytes: chunks * CHUNK_BYTES });

  beforeEach(async () => {
    await using partial = await PartialFile.open(path, CONTENT);
    await partial.write(data, 0);
    partial.advance(mark(1));
    await partial.checkpoint();
    await partial.write(data, CHUNK_BYTES);
    // And then the process is killed.
    partial.advance(mark(2));
  });

  it('counts what was flushed only, and what lies beyond is a hole again', async () => {
    await using partial = await PartialFile.open(path, CONTENT);
    expect(partial.mark).toEqual(mark(1));
    expect(await allocatedBytes()).toBe(CHUNK_BYTES);
    expect((await readFile(path)).subarray(CHUNK_BYTES).every((byte) => byte === 0)).toBe(true);
    expect(partial.replacedOther).toBe(false);
  });

  it.each([
    ['of another image', { ...CONTENT, imageId: OTHER_JOB_ID }],
    ['of other data', { ...CONTENT, root: '00'.repeat(32) }],
    ['of another size', { ...CONTENT, sizeBytes: SIZE - 5 }],
  ])('%s is begun anew', async (_, content) => {
    await using partial = await PartialFile.open(path, content);
    expect(partial).toMatchObject({ mark: { completeBytes: 0, dataBytes: 0 }, replacedOther: true });
    expect(await allocatedBytes()).toBe(0);
    expect((await stat(path)).size).toBe(content.sizeBytes);
  });

  it.each(['', '{', 'null', '{"completeBytes":4194304}', `{"imageId":"${IMAGE_ID}","completeBytes":-1}`])(
    'whose state is %j is begun anew',
    async (state) => {
      await writeFile(`${path}.json`, state);
      await using partial = await PartialFile.open(path, CONTENT);
      expect(partial.mark.completeBytes).toBe(0);
      expect(await allocatedBytes()).toBe(0);
    },
  );

  it('that was exchanged for one of another size is begun anew', async () => {
    await writeFile(path, 'something else');
    await using partial = await PartialFile.open(path, CONTENT);
    expect(partial.mark.completeBytes).toBe(0);
  });

  it('is written by one process at a time, and never once it has its name', async () => {
    await using first = await PartialFile.open(path, CONTENT);
    await expect(PartialFile.open(path, CONTENT)).rejects.toMatchObject({ code: 'IN_USE' });
    await rename(path, folder.file('done.raw'));
    await copyFile(folder.file('done.raw'), path);
    await using second = await PartialFile.open(path, CONTENT);
    expect(second.mark).toEqual(first.mark);
  });

  it('is not made where a link points to', async () => {
    const link = folder.file('link');
    await symlink(path, link);
    await expect(PartialFile.open(link, CONTENT)).rejects.toMatchObject({ code: 'INVALID' });
    await expect(PartialFile.open(folder.path, CONTENT)).rejects.toMatchObject({ code: 'INVALID' });
    expect((await stat(path)).size).toBe(SIZE);
  });
});

describe('a disk without room', () => {
  it('is told of before the image is asked for', async () => {
    const requests: DownloadRequest__Output[] = [];
    await using hub = await FakeHub.with(
      serving([...FRAMES, END], { ...record, dataBytes: 2 ** 52 }, requests),
    );
    expect(await hub.run(...download())).toMatchObject({
      code: 7,
      stderr: expect.stringMatching(/the disk of .* has .* free, and 4 PiB may be needed/),
    });
    expect(requests).toEqual([]);
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('is one that has less than is needed', async () => {
    await requireRoom(path, 1);
    await expect(requireRoom(path, 2 ** 52)).rejects.toMatchObject({ code: 'NO_SPACE' });
  });
});
