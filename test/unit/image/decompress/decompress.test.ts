import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Confinement } from '../../../../src/confine/confinement.ts';
import { Refusal } from '../../../../src/domain/refusal.ts';
import { type Decompression, decompress } from '../../../../src/image/decompress/decompress.ts';
import type { Compression } from '../../../../src/image/inspect/verdict.ts';
import { lacking } from '../../confine/lacking.ts';

const run = promisify(execFile);
const MIB = 1024 ** 2;
const LACKING = await lacking('xz');
const confinement = new Confinement();
const KINDS = ['gzip', 'zstd', 'xz'] as const;

/** Data, zeros, data: more than a few of any buffer on the way. */
const PLAIN = Buffer.concat([randomBytes(MIB), Buffer.alloc(2 * MIB), randomBytes(100_000)]);

let folder: string;
const packed = new Map<Compression, Buffer>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-decompress-'));
  packed.set('gzip', gzipSync(PLAIN));
  packed.set('zstd', zstdCompressSync(PLAIN, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }));
  const path = join(folder, 'plain');
  await writeFile(path, PLAIN);
  if (LACKING !== undefined) return;
  await run('xz', ['--keep', path]);
  packed.set('xz', await readFile(`${path}.xz`));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function packedAs(compression: Compression): Buffer {
  return packed.get(compression) ?? Buffer.alloc(0);
}

async function* cut(bytes: Buffer, step: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

async function packedZeros(compression: Compression): Promise<Buffer> {
  if (compression === 'gzip') return gzipSync(Buffer.alloc(64 * MIB));
  if (compression === 'zstd') return zstdCompressSync(Buffer.alloc(64 * MIB));
  const path = join(folder, 'bomb.xz');
  await run('sh', ['-c', `head -c 64M /dev/zero | xz -c > ${path}`]);
  return await readFile(path);
}

/** What comes of it. */
async function unpacked(
  compression: Compression,
  bytes: Buffer,
  more: Partial<Decompression> = {},
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await decompress({
    source: cut(bytes, 65_536),
    compression,
    limits: { maxBytes: 1024 ** 3 },
    write: async (piece) => {
      pieces.push(piece);
    },
    confinement,
    ...more,
  });
  return Buffer.concat(pieces);
}

describe.skipIf(LACKING !== undefined).each(KINDS)(`%s ${LACKING ?? ''}`, (compression) => {
  it('is unpacked, from a file or however it is cut, with its progress', async () => {
    const bytes = packedAs(compression);
    const told: object[] = [];
    const onProgress = (progress: object) => told.push(progress);
    expect((await unpacked(compression, bytes, { onProgress })).equals(PLAIN)).toBe(true);
    expect(told.length).toBeGreaterThan(2);
    expect(told.at(-1)).toMatchObject({ writtenBytes: PLAIN.length });
    const source = join(folder, `file.${compression}`);
    await writeFile(source, bytes);
    expect((await unpacked(compression, bytes, { source })).equals(PLAIN)).toBe(true);
    expect((await unpacked(compression, bytes, { source: cut(bytes, 997) })).equals(PLAIN)).toBe(true);
  });

  it('may be several, one behind the other, wherever they are cut', async () => {
    const one = packedAs(compression);
    for (const step of [one.length, 65_536, one.length - 1, one.length + 1]) {
      const all = await unpacked(compression, Buffer.concat([one, one]), {
        source: cut(Buffer.concat([one, one]), step),
      });
      expect(all.equals(Buffer.concat([PLAIN, PLAIN]))).toBe(true);
    }
  });

  it.each([
    ['is empty', (_one: Buffer) => Buffer.alloc(0)],
    ['ends too soon', (one: Buffer) => one.subarray(0, -5)],
    [
      'ends too soon the second time',
      (one: Buffer) => Buffer.concat([one, one.subarray(0, one.length >> 1)]),
    ],
    ['has something else behind it', (one: Buffer) => Buffer.concat([one, Buffer.from('something else')])],
    [
      'has something behind zeros',
      (one: Buffer) => Buffer.concat([one, Buffer.alloc(100), Buffer.from('x')]),
    ],
    ['is not one at all', (_one: Buffer) => Buffer.alloc(1000, 'x')],
    ['has a byte turned', (one: Buffer) => Buffer.from(one).fill(0, one.length >> 1, (one.length >> 1) + 9)],
  ])('is refused when it %s', async (_how, spoil) => {
    const spoilt = spoil(packedAs(compression));
    for (const step of [65_536, packedAs(compression).length]) {
      await expect(unpacked(compression, spoilt, { source: cut(spoilt, step) })).rejects.toMatchObject({
        code: 'INVALID',
        message: expect.stringContaining(`not a sound ${compression} file`),
      });
    }
  });

  it('is refused when there is too much in it, and not a byte too much is written', async () => {
    let written = 0;
    const write = async (bytes: Buffer) => {
      written += bytes.length;
    };
    const limits = { maxBytes: 2 * MIB };
    await expect(unpacked(compression, packedAs(compression), { limits, write })).rejects.toMatchObject({
      code: 'INVALID',
      message: `it unpacks to more than the ${2 * MIB} bytes allowed`,
    });
    expect(written).toBeGreaterThan(MIB);
    expect(written).toBeLessThanOrEqual(2 * MIB);
  });

  it('ends with what the writer or the source threw, or the signal was aborted for', async () => {
    const full = new Refusal('NO_SPACE', 'full');
    const bytes = packedAs(compression);
    await expect(unpacked(compression, bytes, { write: () => Promise.reject(full) })).rejects.toBe(full);
    const broken = async function* () {
      yield bytes.subarray(0, 100_000);
      throw full;
    };
    await expect(unpacked(compression, bytes, { source: broken() })).rejects.toBe(full);
    const abort = new AbortController();
    const write = async () => abort.abort(full);
    await expect(unpacked(compression, bytes, { signal: abort.signal, write })).rejects.toBe(full);
    await expect(unpacked(compression, bytes, { signal: AbortSignal.abort(full) })).rejects.toBe(full);
  });

  it('is read no faster than it is written', async () => {
    const noise = Array.from({ length: 30 }, () => packedAs(compression));
    let given = 0;
    let taken = 0;
    const source = async function* () {
      for (const bytes of noise) {
        given += PLAIN.length;
        yield bytes;
      }
    };
    await unpacked(compression, Buffer.alloc(0), {
      source: source(),
      write: async (bytes) => {
        if (taken === 0) await delay(200);
        taken += bytes.length;
        // Two of what the source gives at a time, and what is on the way.
        expect(given - taken).toBeLessThan(3 * PLAIN.length);
      },
    });
    expect(taken).toBe(30 * PLAIN.length);
  });
});

describe.skipIf(LACKING !== undefined)(`a bomb ${LACKING ?? ''}`, () => {
  it.each(KINDS)('of 10 GiB of zeros in %s is refused at once, within little memory', async (compression) => {
    // 64 MiB of zeros, one behind the other: what each of the programs would make of 10 GiB, but sooner.
    const part = await packedZeros(compression);
    const bomb = Buffer.concat(Array.from({ length: 160 }, () => part));
    let written = 0;
    const write = async (bytes: Buffer) => {
      written += bytes.length;
    };
    const [cpu, rss] = [process.cpuUsage(), process.memoryUsage().rss];
    const limits = { maxBytes: 1024 ** 4 };
    const refused = unpacked(compression, Buffer.alloc(0), { source: cut(bomb, 65_536), limits, write });
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID',
      message: 'it unpacks to more than 1000 times its size',
    });
    const { user, system } = process.cpuUsage(cpu);
    expect((user + system) / 1e6).toBeLessThan(1);
    expect(process.memoryUsage().rss - rss).toBeLessThan(100 * MIB);
    expect(written).toBeLessThan(1024 ** 3);
  });

  it('that wants much memory is refused', async () => {
    // A frame of one byte whose header asks for a window of 2 GiB.
    const wide = Buffer.from('28b52ffd00a809000078', 'hex');
    await expect(unpacked('zstd', wide)).rejects.toMatchObject({
      code: 'INVALID',
      message: 'unpacking it takes more than 128 MiB of memory',
    });
    const large = join(folder, 'large.xz');
    await run('sh', ['-c', `head -c 1000 /dev/zero | xz --lzma2=preset=0,dict=512MiB -c > ${large}`]);
    await expect(unpacked('xz', await readFile(large))).rejects.toMatchObject({
      code: 'INVALID',
      message: 'unpacking it takes more than 128 MiB of memory',
    });
  });
});

it.skipIf(LACKING !== undefined)('says what is missing where xz is', async () => {
  const nowhere = new Confinement({ path: folder });
  const source = createReadStream(join(folder, 'plain.xz'));
  await expect(unpacked('xz', Buffer.alloc(0), { confinement: nowhere, source })).rejects.toMatchObject({
    code: 'UNSUPPORTED',
  });
});
