import { createHash } from 'node:crypto';
import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import { gate } from '../rpc/harness.ts';
import { FakeHub, Folder } from './run.ts';
import { END, FRAMES, record, SIZE, serving, WHOLE } from './sample-download.ts';
import { emptyImage, IMAGE_ID } from './samples.ts';

const MIB = 1024 * 1024;

let folder: Folder;
let path: string;
beforeEach(async () => {
  folder = await Folder.make();
  path = folder.file('disk.raw');
});
afterEach(() => folder[Symbol.asyncDispose]());

const download = () => ['image', 'download', IMAGE_ID, '--file', path];

describe('image download', () => {
  it('writes the image, and its holes as holes', async () => {
    await using hub = await FakeHub.with(serving([...FRAMES, END]));
    expect(await hub.start(...download()).outcome).toMatchObject({
      code: 0,
      stdout: `${path}: 40 MiB, SHA-512 as it should be\n`,
      stderr: expect.stringMatching(/download verifying 100%, 40 MiB of 40 MiB/),
    });
    expect((await readFile(path)).equals(WHOLE)).toBe(true);
    // Half of the first frame is zeros, and the last one is a block.
    expect((await stat(path)).blocks * 512).toBeLessThan(2.75 * MIB);
    expect(await readdir(folder.path)).toEqual(['disk.raw']);
  });

  it('is JSON for a script', async () => {
    await using hub = await FakeHub.with(serving([...FRAMES, END]));
    const { stdout } = await hub.run(...download(), '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      file: path,
      format: 'raw',
      image: { id: IMAGE_ID, size_bytes: SIZE },
    });
  });

  it('of nothing but a hole is a hole', async () => {
    const osHashValue = createHash('sha512').update(Buffer.alloc(SIZE)).digest('hex');
    await using hub = await FakeHub.with(serving([END], { ...record, dataBytes: 0, osHashValue }));
    expect(await hub.run(...download())).toMatchObject({ code: 0 });
    expect((await stat(path)).size).toBe(SIZE);
  });
});

describe('no file is left by', () => {
  const damaged = FRAMES.map((frame, index) =>
    index === 1 ? { ...frame, data: Buffer.alloc(MIB, 'c') } : frame,
  );
  const [first, second, third, fourth] = FRAMES as [Frame, Frame, Frame, Frame];
  const cases: [string, readonly Frame[], number, RegExp][] = [
    ['bytes that are not the image', [...damaged, END], 8, /the bytes that came are not the image/],
    ['a hole where data should be', [first, third, fourth, END], 8, /the bytes that came are not the image/],
    ['an end in the middle of the first chunk', [first], 6, /ended at byte 5242880 of 41943045/],
    ['frames out of order', [second, first, third, END], 8, /bytes at 4194304 that do not belong there/],
    ['frames beyond the end', [first, second, { ...fourth, offset: SIZE - 1 }, END], 8, /bytes at 41943044/],
    ['frames after the end', [...FRAMES, END, END], 8, /bytes at 41943045 that/],
  ];
  it.each(cases)('%s', async (_, frames, exitCode, message) => {
    await using hub = await FakeHub.with(serving(frames));
    // What breaks off is tried again for as long.
    const { code, stderr } = await hub.run(...download(), '--timeout', '1');
    expect(stderr).toMatch(message);
    expect(code).toBe(exitCode);
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('a hub that refuses in the middle', async () => {
    await using hub = await FakeHub.with({
      Images: {
        Get: async () => record,
        Download: async (_request, write) => {
          await write(FRAMES[0] as Frame);
          throw new Refusal('CORRUPT', 'chunk 3 at central is damaged');
        },
      },
    });
    expect(await hub.run(...download())).toMatchObject({
      code: 8,
      stderr: expect.stringContaining('entrepot: chunk 3 at central is damaged\n'),
    });
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('an image without data', async () => {
    await using hub = await FakeHub.with(serving([], emptyImage()));
    const { code, stderr } = await hub.run(...download());
    expect(code).toBe(4);
    expect(stderr).toContain(`image ${IMAGE_ID} is queued and has no data yet\n`);
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('Ctrl-C', async () => {
    const begun = gate();
    await using hub = await FakeHub.with({
      Images: {
        Get: async () => record,
        Download: async (_request, write, { signal }) => {
          await write(FRAMES[0] as Frame);
          begun.open();
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      },
    });
    const { child, outcome } = hub.start(...download());
    await Promise.race([begun.opened, outcome]);
    child.kill('SIGINT');
    expect(await outcome).toMatchObject({
      code: 130,
      stderr: expect.stringContaining('entrepot: interrupted; nothing was written\n'),
    });
    expect(await readdir(folder.path)).toEqual([]);
  });
});

describe('a file that is there', () => {
  it('is kept, and the hub is not asked', async () => {
    await writeFile(path, 'mine');
    await using hub = await FakeHub.with({});
    expect(await hub.run(...download())).toEqual({
      code: 4,
      stdout: '',
      stderr: `entrepot: ${path} is there already\nhint: --force replaces it\n`,
    });
    expect(await readFile(path, 'utf8')).toBe('mine');
  });

  it('is kept when it came while the image was on its way', async () => {
    await using hub = await FakeHub.with({
      Images: {
        Get: async () => record,
        Download: async (_request, write) => {
          for (const frame of FRAMES) await write(frame);
          await writeFile(path, 'mine');
          await write(END);
        },
      },
    });
    expect(await hub.run(...download())).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('hint: --force replaces it\n'),
    });
    expect(await readFile(path, 'utf8')).toBe('mine');
    // Nor does what came have to come again.
    await using forced = await FakeHub.with({ Images: { Get: async () => record } });
    expect(await forced.run(...download(), '--force')).toMatchObject({ code: 0 });
    expect((await readFile(path)).equals(WHOLE)).toBe(true);
    expect(await readdir(folder.path)).toEqual(['disk.raw']);
  });

  it('is replaced with --force, and only by an image that is whole', async () => {
    await writeFile(path, 'mine');
    await using damaged = await FakeHub.with(serving([END]));
    expect(await damaged.run(...download(), '--force')).toMatchObject({ code: 8 });
    expect(await readFile(path, 'utf8')).toBe('mine');
    await using whole = await FakeHub.with(serving([...FRAMES, END]));
    expect(await whole.run(...download(), '--force')).toMatchObject({ code: 0 });
    expect((await readFile(path)).equals(WHOLE)).toBe(true);
  });

  it('and no file at all is not replaced', async () => {
    await symlink('/dev/null', path);
    await using hub = await FakeHub.with({});
    expect(await hub.run(...download(), '--force')).toMatchObject({
      code: 2,
      stderr: `entrepot: ${path} is there and not a regular file\n`,
    });
  });
});

it('a folder that is not there is told before the hub is asked for data', async () => {
  await using hub = await FakeHub.with(serving([END]));
  path = folder.file('nowhere/disk.raw');
  const { code, stderr } = await hub.run(...download());
  expect(code).toBe(3);
  expect(stderr).toContain(`cannot write ${path}.part: no such file or folder\n`);
});
