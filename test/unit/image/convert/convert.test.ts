import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Confinement } from '../../../../src/confine/confinement.ts';
import { Refusal } from '../../../../src/domain/refusal.ts';
import { type Conversion, convertToRaw } from '../../../../src/image/convert/convert.ts';
import { ProgressReader } from '../../../../src/image/convert/progress-reader.ts';
import type { ConvertibleFormat } from '../../../../src/image/convert/qemu-source.ts';
import { Inspector } from '../../../../src/image/inspect/inspector.ts';
import { lacking } from '../../confine/lacking.ts';
import { MemorySink } from '../../nbd/memory-sink.ts';

const run = promisify(execFile);
const MIB = 1024 ** 2;

/** Not a multiple of the cylinders of a VHD's geometry, nor of any cluster. */
const SIZE_BYTES = 32 * MIB + 512;

/** Data, and between it holes of more than a MiB. */
const DATA = [
  { offset: 0, length: 100_000 },
  { offset: 5 * MIB + 512, length: 3 * MIB },
  { offset: 20 * MIB, length: 512 },
  { offset: SIZE_BYTES - 4096, length: 4096 },
];

const LACKING = await lacking('qemu-img');
const confinement = new Confinement();
let folder: string;
let raw: Buffer;
let rawPath: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-convert-'));
  // A comma, a quote and a colon are all special in one or another of the ways to name a file to qemu.
  rawPath = join(folder, 'disk, "of":x.raw');
  raw = Buffer.alloc(SIZE_BYTES);
  for (const { offset, length } of DATA) randomBytes(length).copy(raw, offset);
  await writeFile(rawPath, raw);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

const KINDS: readonly (readonly [
  name: string,
  format: ConvertibleFormat,
  driver: string,
  options: string,
])[] = [
  ['qcow2', 'qcow2', 'qcow2', ''],
  ['qcow2 of version 2', 'qcow2', 'qcow2', 'compat=0.10'],
  ['qcow2 with extended L2 entries', 'qcow2', 'qcow2', 'extended_l2=on,cluster_size=128k'],
  ['vmdk, streamOptimized', 'vmdk', 'vmdk', 'subformat=streamOptimized'],
  ['vmdk, monolithicSparse', 'vmdk', 'vmdk', 'subformat=monolithicSparse'],
  ['vhd, dynamic', 'vhd', 'vpc', 'subformat=dynamic,force_size=on'],
  ['vhd, fixed', 'vhd', 'vpc', 'subformat=fixed,force_size=on'],
  ['vhdx', 'vhdx', 'vhdx', ''],
  ['vdi', 'vdi', 'vdi', ''],
  ['ploop', 'ploop', 'parallels', ''],
];

async function make(driver: string, options: string): Promise<string> {
  const path = join(folder, `image.${driver}`);
  await rm(path, { force: true });
  const more = options === '' ? [] : ['-o', options];
  await run('qemu-img', ['convert', '-f', 'raw', '-O', driver, ...more, `json:${sourceOf(rawPath)}`, path]);
  return path;
}

function sourceOf(path: string): string {
  return JSON.stringify({ driver: 'raw', file: { driver: 'file', filename: path } });
}

async function virtualSizeOf(path: string): Promise<number> {
  const inspector = new Inspector({ maxVirtualSizeBytes: 1024 ** 4 });
  inspector.write(await readFile(path));
  const verdict = inspector.end();
  if (!verdict.ok || verdict.virtualSizeBytes === undefined) throw new Error('not accepted');
  return verdict.virtualSizeBytes;
}

function conversionOf(path: string, format: ConvertibleFormat, more: Partial<Conversion> = {}): Conversion {
  const sink = new MemorySink(SIZE_BYTES);
  return { path, format, virtualSizeBytes: SIZE_BYTES, sink, socketFolder: folder, confinement, ...more };
}

describe.skipIf(LACKING !== undefined)(`a disk that qemu-img made ${LACKING ?? ''}`, () => {
  it.each(KINDS)('%s: is written byte by byte, without its holes', async (_name, format, driver, options) => {
    const path = await make(driver, options);
    // What is behind the end of a vdi or a ploop, whose sizes are rounded up, is zeros.
    const virtualSizeBytes = await virtualSizeOf(path);
    expect(virtualSizeBytes - SIZE_BYTES).toBeGreaterThanOrEqual(0);
    expect(virtualSizeBytes - SIZE_BYTES).toBeLessThan(2 * MIB);
    const sink = new MemorySink(virtualSizeBytes);
    const told: number[] = [];
    await convertToRaw(
      conversionOf(path, format, { virtualSizeBytes, sink, onProgress: (done) => told.push(done) }),
    );
    expect(sha256(sink.bytes.subarray(0, SIZE_BYTES))).toBe(sha256(raw));
    expect(sink.written.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(4 * MIB);
    expect(sink.written.map(({ offset }) => offset)).toEqual(
      sink.written.map(({ offset }) => offset).sort((one, other) => one - other),
    );
    expect(sink.flushes).toBeGreaterThan(0);
    expect(told.at(-1)).toBe(virtualSizeBytes);
    expect((await readdir(folder)).filter((name) => name.endsWith('.nbd'))).toEqual([]);
  });

  it('vhd of another program: is as large as it says, not as its geometry', async () => {
    const path = await make('vpc', 'subformat=fixed,force_size=on');
    const bytes = await readFile(path);
    const footer = bytes.subarray(-512);
    // For images that it made itself (`qem2`), qemu goes by the size in any case.
    footer.write('vbox', 28, 'latin1');
    // 60 cylinders, 16 heads, 63 sectors: somewhat less than the disk.
    footer.set([0, 60, 16, 63], 56);
    footer.writeUInt32BE(0, 64);
    footer.writeUInt32BE(~footer.reduce((sum, byte) => sum + byte, 0) >>> 0, 64);
    await writeFile(path, bytes);
    const sink = new MemorySink(SIZE_BYTES);
    await convertToRaw(conversionOf(path, 'vhd', { sink }));
    expect(sha256(sink.bytes)).toBe(sha256(raw));
  });

  it('is read from a path that would mean something to qemu', async () => {
    const plain = await make('qcow2', '');
    const path = join(folder, 'json:{"driver":"x"},file.filename=y :z.qcow2');
    await writeFile(path, await readFile(plain));
    const sink = new MemorySink(SIZE_BYTES);
    await convertToRaw(conversionOf(path, 'qcow2', { sink }));
    expect(sha256(sink.bytes)).toBe(sha256(raw));
  });
});

describe.skipIf(LACKING !== undefined)(`a disk that is not what it should be ${LACKING ?? ''}`, () => {
  it('is refused when qemu-img sees another size than the inspector', async () => {
    const path = await make('qcow2', '');
    const converted = convertToRaw(conversionOf(path, 'qcow2', { virtualSizeBytes: SIZE_BYTES + 512 }));
    await expect(converted).rejects.toMatchObject({
      code: 'INVALID',
      message: `qemu-img sees a disk of ${SIZE_BYTES} bytes in it, its header says ${SIZE_BYTES + 512}`,
    });
  });

  it('is refused when it is of another format, in the words of qemu-img and without our paths', async () => {
    const path = await make('vdi', '');
    const failed = await convertToRaw(conversionOf(path, 'qcow2')).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'INVALID' });
    expect((failed as Refusal).message).toMatch(/^qemu-img could not read it: .*not in qcow2 format/);
    expect((failed as Refusal).message).not.toContain(folder);
  });

  it.each(KINDS)('%s: is refused when it was cut', async (_name, format, driver, options) => {
    const path = await make(driver, options);
    const virtualSizeBytes = await virtualSizeOf(path);
    // Of most formats qemu-img would read what is missing as zeros. The last block of a vhdx, of 8 MiB, has next to
    // nothing of the disk in it.
    await truncate(path, (await stat(path)).size - (format === 'vhdx' ? 10 * MIB : 200_000));
    const refusal = { code: 'INVALID', hint: expect.stringContaining('copy it again') };
    const cut = virtualSizeOf(path).then(async () => {
      await convertToRaw(conversionOf(path, format, { virtualSizeBytes }));
    });
    if (format === 'vdi' || format === 'vhd') await expect(cut).rejects.toThrow();
    else await expect(cut).rejects.toMatchObject(refusal);
  });

  it('never has its backing file or its data file read', async () => {
    const secret = join(folder, 'secret');
    await writeFile(secret, Buffer.alloc(SIZE_BYTES, 'secret'));
    const backed = join(folder, 'backed.qcow2');
    await run('qemu-img', ['create', '-f', 'qcow2', '-b', secret, '-F', 'raw', backed, String(SIZE_BYTES)]);
    await expect(convertToRaw(conversionOf(backed, 'qcow2'))).rejects.toThrow('another file');
    const split = join(folder, 'split.qcow2');
    await run('qemu-img', [
      'create',
      '-f',
      'qcow2',
      '-o',
      `data_file=${secret}.data`,
      split,
      String(SIZE_BYTES),
    ]);
    await expect(convertToRaw(conversionOf(split, 'qcow2'))).rejects.toThrow('another file');
  });
});

describe.skipIf(LACKING !== undefined)(`a conversion that cannot go on ${LACKING ?? ''}`, () => {
  it('ends with what the sink said first', async () => {
    const full = new Refusal('NO_SPACE', 'the pool is full');
    const sink = new MemorySink(SIZE_BYTES);
    sink.write = async () => {
      throw full;
    };
    await expect(convertToRaw(conversionOf(await make('qcow2', ''), 'qcow2', { sink }))).rejects.toBe(full);
  });

  it('ends with what the last flush said', async () => {
    const away = new Refusal('UNAVAILABLE', 'the cluster does not answer');
    const sink = new MemorySink(SIZE_BYTES);
    sink.flush = async () => {
      throw away;
    };
    await expect(convertToRaw(conversionOf(await make('qcow2', ''), 'qcow2', { sink }))).rejects.toBe(away);
  });

  it('is cancelled, leaves no process, and writes no more', async () => {
    const path = await make('qcow2', '');
    const reason = new Refusal('CANCELLED', 'job 7 was cancelled');
    const abort = new AbortController();
    const sink = new MemorySink(SIZE_BYTES);
    sink.write = async (offset, bytes) => {
      sink.written.push({ offset, length: bytes.length });
      expect(await processesOn(path)).toHaveLength(1);
      abort.abort(reason);
    };
    await expect(convertToRaw(conversionOf(path, 'qcow2', { sink, signal: abort.signal }))).rejects.toBe(
      reason,
    );
    expect(sink.written).toHaveLength(1);
    expect(await processesOn(path)).toEqual([]);
  });

  it('ends within its limits', async () => {
    const path = join(folder, 'large.qcow2');
    await run('qemu-img', ['create', '-f', 'qcow2', path, String(SIZE_BYTES)]);
    const small = new Confinement({ limits: { memoryBytes: 32 * MIB } });
    await expect(convertToRaw(conversionOf(path, 'qcow2', { confinement: small }))).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('32 MiB of memory'),
    });
  });
});

describe('progress', () => {
  it('is read from however it is cut, and never goes back', () => {
    const text = Buffer.from('    (0.00/100%)\r    (1.50/100%)\r    (1.20/100%)\r    (100.00/100%)\r\n');
    for (const step of [1, 3, 7, text.length]) {
      const told: number[] = [];
      const reader = new ProgressReader((part) => told.push(part));
      for (let at = 0; at < text.length; at += step) reader.read(text.subarray(at, at + step));
      expect(told).toEqual(step === text.length ? [1] : [0, 0.015, 1]);
    }
  });
});

/** Ids of the processes that have the path on their command line. */
async function processesOn(path: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(path)) found.push(Number(name));
  }
  return found;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
