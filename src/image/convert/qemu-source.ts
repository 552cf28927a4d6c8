import type { FoundFormat } from '../inspect/verdict.ts';

/** What is converted; all else is raw already, or not accepted. */
export type ConvertibleFormat = Extract<FoundFormat, 'qcow2' | 'vmdk' | 'vhd' | 'vhdx' | 'vdi' | 'ploop'>;

/** A format as qemu calls it, and what else is pinned for it. */
const DRIVERS: Readonly<Record<ConvertibleFormat, Readonly<Record<string, unknown>>>> = {
  // Null: no backing file, whatever the image says of one.
  qcow2: { driver: 'qcow2', backing: null },
  vmdk: { driver: 'vmdk', backing: null },
  // qemu would else go by the geometry, which mostly is less than the disk's size, and differs from ours.
  vhd: { driver: 'vpc', force_size_calc: 'current_size' },
  vhdx: { driver: 'vhdx' },
  vdi: { driver: 'vdi' },
  ploop: { driver: 'parallels' },
};

export function isConvertible(format: FoundFormat): format is ConvertibleFormat {
  return Object.hasOwn(DRIVERS, format);
}

/**
 * The file as qemu-img takes it: nothing about it is left to be guessed from its bytes or its name. In JSON
 * no character of a path means anything.
 */
export function qemuSource(path: string, format: ConvertibleFormat): string {
  return `json:${JSON.stringify({ ...DRIVERS[format], file: { driver: 'file', filename: path } })}`;
}

/** An export at a socket of ours, as qemu-img takes it. */
export function qemuTarget(socketPath: string): string {
  return `json:${JSON.stringify({ driver: 'raw', file: { driver: 'nbd', server: { type: 'unix', path: socketPath } } })}`;
}
