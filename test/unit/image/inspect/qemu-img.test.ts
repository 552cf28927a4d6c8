import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MIB, noise } from './files.ts';
import { inspect, PIECES } from './inspection.ts';

const HAS_QEMU_IMG = spawnSync('qemu-img', ['--version']).status === 0;

/** For LUKS qemu-img measures the processor, and now and then gives up where clocks are coarse: it is asked again. */
const CLOCK_TOO_COARSE = /Unable to get accurate CPU usage/;
const TRIES = 10;

const SECRET = ['--object', 'secret,id=key,data=secret'];

/** What qemu-img is told, what it calls the format, and what is to be found. */
interface Sample {
  readonly arguments: readonly string[];
  readonly qemuFormat: string;
  readonly found: Record<string, unknown>;
}

function converted(qemuFormat: string, options: string, found: Record<string, unknown>): Sample {
  const args = [
    'convert',
    '-f',
    'raw',
    '-O',
    qemuFormat,
    ...(options === '' ? [] : ['-o', options]),
    'disk.raw',
    'SAMPLE',
  ];
  return { arguments: args, qemuFormat, found };
}

function created(qemuFormat: string, args: readonly string[], found: Record<string, unknown>): Sample {
  return { arguments: ['create', '-q', '-f', qemuFormat, ...args], qemuFormat, found };
}

const COMPAT = (compat: string) => ({ ok: true, format: 'qcow2', variant: compat, properties: { compat } });
const VMDK = (variant: string, disktype: string, adapter: string) => ({
  ok: true,
  format: 'vmdk',
  variant,
  properties: { vmware_adaptertype: adapter, vmware_disktype: disktype },
});

const ACCEPTED: Readonly<Record<string, Sample>> = {
  raw: converted('raw', '', { ok: true, format: 'raw' }),
  'qcow2 0.10': converted('qcow2', 'compat=0.10', COMPAT('0.10')),
  'qcow2 1.1': converted('qcow2', 'compat=1.1', COMPAT('1.1')),
  'qcow2 zstd': converted('qcow2', 'compression_type=zstd', COMPAT('1.1')),
  'qcow2 extended L2': converted('qcow2', 'extended_l2=on', COMPAT('1.1')),
  'qcow2 lazy, 2 MiB clusters': converted('qcow2', 'lazy_refcounts=on,cluster_size=2M', COMPAT('1.1')),
  'qcow2 512 B clusters': converted('qcow2', 'cluster_size=512', COMPAT('1.1')),
  'vmdk streamOptimized': converted(
    'vmdk',
    'subformat=streamOptimized,adapter_type=lsilogic',
    VMDK('streamOptimized', 'streamOptimized', 'lsiLogic'),
  ),
  'vmdk monolithicSparse': converted(
    'vmdk',
    'subformat=monolithicSparse',
    VMDK('monolithicSparse', 'sparse', 'ide'),
  ),
  'vpc dynamic': converted('vpc', 'subformat=dynamic', { ok: true, format: 'vhd', variant: 'dynamic' }),
  'vpc fixed': converted('vpc', 'subformat=fixed', { ok: true, format: 'vhd', variant: 'fixed' }),
  'vhdx dynamic': converted('vhdx', 'subformat=dynamic,block_size=1M', {
    ok: true,
    format: 'vhdx',
    variant: 'dynamic',
  }),
  'vhdx fixed': converted('vhdx', 'subformat=fixed,block_size=1M', {
    ok: true,
    format: 'vhdx',
    variant: 'fixed',
  }),
  'vdi dynamic': converted('vdi', '', { ok: true, format: 'vdi', variant: 'dynamic' }),
  'vdi static': converted('vdi', 'static=on', { ok: true, format: 'vdi', variant: 'static' }),
  parallels: converted('parallels', '', { ok: true, format: 'ploop' }),
};

const REFUSED: Readonly<Record<string, Sample>> = {
  'qcow2 with a backing file': created('qcow2', ['-b', 'disk.raw', '-F', 'raw', 'SAMPLE'], {
    format: 'qcow2',
    reason: 'backing-file',
  }),
  'qcow2 with a data file': created('qcow2', ['-o', 'data_file=data.raw', 'SAMPLE', '1M'], {
    format: 'qcow2',
    reason: 'data-file',
  }),
  'qcow2 in LUKS': created(
    'qcow2',
    [...SECRET, '-o', 'encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=1', 'SAMPLE', '1M'],
    { format: 'qcow2', reason: 'encrypted' },
  ),
  luks: created('luks', [...SECRET, '-o', 'key-secret=key,iter-time=1', 'SAMPLE', '1M'], {
    format: 'luks',
    reason: 'encrypted',
  }),
  'vmdk monolithicFlat': converted('vmdk', 'subformat=monolithicFlat', {
    format: 'vmdk',
    reason: 'separate-descriptor',
  }),
  'vmdk twoGbMaxExtentSparse': converted('vmdk', 'subformat=twoGbMaxExtentSparse', {
    format: 'vmdk',
    reason: 'separate-descriptor',
  }),
  qcow: converted('qcow', '', { format: 'qcow', reason: 'unsupported-format' }),
  qed: converted('qed', '', { format: 'qed', reason: 'unsupported-format' }),
};

describe.skipIf(!HAS_QEMU_IMG)('files of the real qemu-img (skipped without qemu-img)', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'entrepot-inspect-'));
    const disk = Buffer.alloc(MIB);
    noise(100_000).copy(disk, 300_000);
    await writeFile(join(folder, 'disk.raw'), disk);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const made = new Map<string, Promise<string>>();

  /** Each sample once: LUKS takes seconds. */
  async function make(name: string, sample: Sample): Promise<{ path: string; file: Buffer }> {
    const path = made.get(name) ?? makeAnew(name, sample);
    made.set(name, path);
    return { path: await path, file: await readFile(await path) };
  }

  async function makeAnew(name: string, { arguments: args }: Sample): Promise<string> {
    const fileName = name.replaceAll(/[ ,]+/g, '-');
    const own = args.map((each) => (each === 'SAMPLE' ? fileName : each));
    for (let left = TRIES; ; left--) {
      const { exitCode, stderr } = await execa('qemu-img', own, { cwd: folder, reject: false });
      if (exitCode === 0) return join(folder, fileName);
      if (left === 1 || !CLOCK_TOO_COARSE.test(stderr))
        throw new Error(`qemu-img ${own.join(' ')}: ${stderr}`);
    }
  }

  test.each(Object.entries(ACCEPTED))('%s may enter, of the size qemu-img says', async (name, sample) => {
    const { path, file } = await make(name, sample);
    const { stdout } = await execa('qemu-img', ['info', '--output=json', '-f', sample.qemuFormat, path]);
    const virtualSizeBytes = (JSON.parse(stdout) as Record<string, unknown>)['virtual-size'];
    for (const pieceBytes of PIECES) {
      expect(inspect(file, {}, pieceBytes)).toMatchObject({ ...sample.found, virtualSizeBytes });
    }
  });

  test.each(Object.entries(REFUSED))('%s is refused', async (name, sample) => {
    const { file } = await make(name, sample);
    for (const pieceBytes of PIECES) {
      expect(inspect(file, {}, pieceBytes)).toMatchObject({ ok: false, ...sample.found });
    }
  });

  test('one extent of a disk in several files is refused', async () => {
    await make('split', converted('vmdk', 'subformat=twoGbMaxExtentSparse', {}));
    expect(inspect(await readFile(join(folder, 'split-s001')))).toMatchObject({
      format: 'vmdk',
      reason: 'vmdk-descriptor',
    });
  });

  test('where LUKS is allowed, disks in it have the size of what is encrypted', async () => {
    const luks = await make('luks', REFUSED['luks'] as Sample);
    expect(inspect(luks.file, { allowLuks: true })).toMatchObject({ format: 'luks', virtualSizeBytes: MIB });
    const qcow2 = await make('qcow2 in LUKS', REFUSED['qcow2 in LUKS'] as Sample);
    expect(inspect(qcow2.file, { allowLuks: true })).toMatchObject({
      format: 'qcow2',
      virtualSizeBytes: MIB,
    });
  });
});
