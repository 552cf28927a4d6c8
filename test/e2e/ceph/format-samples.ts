import { copyFile, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { isoFile, MIB, noise, putPartition } from '../../unit/image/inspect/files.ts';

/** A file as somebody brings it, and the image it has to become. */
export interface FormatSample {
  readonly path: string;
  /** Of `entrepot image create`. */
  readonly options: readonly string[];
  /** What the pool has to hold, as a file. */
  readonly rawPath: string;
  readonly diskFormat: string;
  readonly containerFormat: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** Of a sample, in MiB: a partition table, then data between holes, and at the very end. */
const DATA_MIB: readonly (readonly [at: number, length: number])[] = [
  [1, 0.25],
  [5, 3],
  [15.5, 0.0625],
  [23.9375, 0.0625],
];

/** What qemu-img is told to make of a raw disk: its name for the format, options, and what it adds to the image. */
const MADE: Readonly<Record<string, readonly [args: readonly string[], properties: Record<string, string>]>> =
  {
    'old.qcow2': [['qcow2', '-o', 'compat=0.10'], { compat: '0.10' }],
    'new.qcow2': [['qcow2', '-o', 'compat=1.1'], { compat: '1.1' }],
    'packed.qcow2': [['qcow2', '-c'], { compat: '1.1' }],
    'stream.vmdk': [
      ['vmdk', '-o', 'subformat=streamOptimized,adapter_type=lsilogic'],
      { vmware_adaptertype: 'lsiLogic', vmware_disktype: 'streamOptimized' },
    ],
    'sparse.vmdk': [
      ['vmdk', '-o', 'subformat=monolithicSparse'],
      { vmware_adaptertype: 'ide', vmware_disktype: 'sparse' },
    ],
    'dynamic.vhd': [['vpc', '-o', 'subformat=dynamic,force_size=on'], {}],
    'fixed.vhd': [['vpc', '-o', 'subformat=fixed,force_size=on'], {}],
    'disk.vhdx': [['vhdx'], {}],
    'disk.vdi': [['vdi'], {}],
    'disk.ploop': [['parallels'], {}],
  };

/** A disk that is no whole number of anybody's clusters, in a VHD whose size is rounded to cylinders. */
const ODD: typeof MADE = {
  'odd.qcow2': [['qcow2'], { compat: '1.1' }],
  'odd.vhd': [['vpc'], {}],
};

const COMPRESSED = [
  ['gzip', '.gz'],
  ['zstd', '.zst'],
  ['xz', '.xz'],
] as const;

/** Every format that may come in, in files below `folder`, by the real qemu-img and the real compressors. */
export async function makeSamples(folder: string): Promise<FormatSample[]> {
  const disk = join(folder, 'disk.raw');
  const odd = join(folder, 'odd.raw');
  await writeDisk(disk);
  await writeFile(odd, noise(9 * MIB + 512));
  const converted = [
    ...(await Promise.all(Object.entries(MADE).map(([name, how]) => convert(folder, disk, name, how)))),
    ...(await Promise.all(Object.entries(ODD).map(([name, how]) => convert(folder, odd, name, how)))),
  ];
  const plain = { options: [], diskFormat: 'raw', containerFormat: 'bare', properties: {} } as const;
  const packed: FormatSample[] = [];
  const raw = { ...plain, path: disk, rawPath: disk };
  for (const sample of [raw, ...converted.filter(({ path }) => path.endsWith('new.qcow2'))]) {
    for (const [program, ending] of COMPRESSED) {
      packed.push({ ...sample, path: await pack(sample.path, program, ending) });
    }
  }
  const iso = join(folder, 'install.iso');
  await writeFile(iso, isoFile());
  // A kernel is compressed in itself; what is in an archive is nobody's business.
  const kernel = join(folder, 'vmlinuz');
  await copyFile(`${disk}.gz`, kernel);
  const archive = join(folder, 'appliance.ova');
  await execa('tar', ['-C', folder, '-cf', archive, 'stream.vmdk']);
  return [
    raw,
    ...converted,
    ...packed,
    { ...plain, path: iso, rawPath: iso, diskFormat: 'iso' },
    { ...plain, path: kernel, rawPath: kernel, ...declared('aki', 'aki') },
    { ...plain, path: archive, rawPath: archive, ...declared('vmdk', 'ova') },
  ];
}

/** What nobody looks into is kept as what it was declared to be. */
function declared(diskFormat: string, containerFormat: string) {
  const options = ['--disk-format', diskFormat, '--container-format', containerFormat];
  return { options, diskFormat, containerFormat };
}

async function writeDisk(path: string): Promise<void> {
  await using file = await open(path, 'w', 0o600);
  await file.truncate(24 * MIB);
  const table = Buffer.alloc(512);
  putPartition(table, 0x83, { flag: 0x80 });
  await file.write(table, 0, table.length, 0);
  for (const [at, length] of DATA_MIB) await file.write(noise(length * MIB), 0, length * MIB, at * MIB);
}

async function convert(
  folder: string,
  from: string,
  name: string,
  [args, properties]: (typeof MADE)[string],
): Promise<FormatSample> {
  const path = join(folder, name);
  const [format = '', ...options] = args;
  await execa('qemu-img', ['convert', '-f', 'raw', '-O', format, ...options, from, path]);
  const rawPath = `${path}.expected`;
  await execa('qemu-img', ['convert', '-f', format, '-O', 'raw', path, rawPath]);
  return {
    path,
    options: [],
    rawPath,
    diskFormat: 'raw',
    containerFormat: 'bare',
    properties,
  };
}

async function pack(path: string, program: string, ending: string): Promise<string> {
  await execa(program, ['-q', '-k', '-f', path]);
  return `${path}${ending}`;
}
