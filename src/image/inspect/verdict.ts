/** What a file can be found to be. `vhd` is Glance's name for what qemu calls vpc, `ploop` for parallels. */
export type FoundFormat =
  | 'raw'
  | 'qcow2'
  | 'vmdk'
  | 'vhd'
  | 'vhdx'
  | 'vdi'
  | 'iso'
  | 'ploop'
  | 'luks'
  | Compression
  // Known, so that they can be named, and always refused.
  | 'qcow'
  | 'qed'
  | 'zip';

/** Compressed files are named and looked into no further: what is inside gets an inspection of its own. */
export type Compression = 'gzip' | 'zstd' | 'xz';

/** Why a file is refused, as a word for programs; the sentence for people is the verdict's `message`. */
export type RefusalReason =
  | 'empty'
  /** A format's first bytes are there, but the file ends within what it says of itself. */
  | 'truncated'
  /** Fields that contradict each other, or that nobody writes. */
  | 'bad-header'
  | 'bad-checksum'
  | 'unsupported-format'
  | 'unknown-version'
  | 'unknown-features'
  /** What is needed for a verdict lies so far into the file that it would have to be held in memory. */
  | 'out-of-reach'
  | 'two-formats'
  | 'zero-virtual-size'
  | 'virtual-size-too-large'
  | 'encrypted'
  /** The file needs another one to be whole: named in it, and read by whoever opens it. */
  | 'backing-file'
  | 'data-file'
  | 'differencing'
  | 'separate-descriptor'
  /** The program that wrote it did not close it, or marked it as damaged. */
  | 'corrupt'
  | 'pending-log'
  | 'vmdk-type'
  | 'vmdk-descriptor'
  | 'vmdk-extent'
  | 'vmdk-parent'
  | 'vmdk-footer';

/** What an operator allows. */
export interface InspectionLimits {
  /** The largest disk that a guest may see, in bytes. */
  readonly maxVirtualSizeBytes: number;
  /** Whether disks encrypted by LUKS may enter, by themselves or within a qcow2 image. Default: no. */
  readonly allowLuks?: boolean;
  /** Types of VMDK (its `createType`) that may enter. Default: DEFAULT_VMDK_TYPES. */
  readonly vmdkTypes?: readonly string[];
}

/** Those that are whole in one file, as Glance has it since CVE-2022-47951. */
export const DEFAULT_VMDK_TYPES: readonly string[] = ['streamOptimized', 'monolithicSparse'];

export interface AcceptedFile {
  readonly ok: true;
  readonly format: FoundFormat;
  /** The size of the disk a guest sees; undefined where only a look inside tells: compressed files, LUKS 2. */
  readonly virtualSizeBytes: number | undefined;
  /** Which kind of its format: a vmdk's createType, `dynamic` or `fixed`, a raw disk's `gpt` or `mbr`. */
  readonly variant: string | undefined;
  /** To be set on the image, unless an administrator said otherwise. */
  readonly properties: Readonly<Record<string, string>>;
}

export interface RefusedFile {
  readonly ok: false;
  /** Undefined where it is not known, or more than one. */
  readonly format: FoundFormat | undefined;
  readonly reason: RefusalReason;
  /** A sentence for a person, without an end stop. Quotes from the file are escaped and short. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

export type Verdict = AcceptedFile | RefusedFile;

const COMPRESSIONS: readonly string[] = ['gzip', 'zstd', 'xz'] satisfies Compression[];

export function isCompression(format: FoundFormat): format is Compression {
  return COMPRESSIONS.includes(format);
}
