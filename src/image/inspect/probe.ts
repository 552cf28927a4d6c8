import type { FoundFormat, InspectionLimits, RefusalReason } from './verdict.ts';

/** How much of a file's beginning is kept: beyond the region table of a VHDX, which ends here. */
export const HEAD_BYTES = 256 * 1024;

/** How much of a file's end is kept: the footer of a VMDK with its two markers. */
export const TAIL_BYTES = 3 * 512;

/** The longest range behind the head that a probe may ask for: a VHDX's table of metadata, and what it points at. */
export const MAX_FAR_BYTES = 128 * 1024;

/**
 * What knows one format. Pure: given the same bytes it says the same, and it is asked once all of the
 * head is there, so that what it says does not hang on how the file was cut.
 */
export interface Probe {
  readonly format: FoundFormat;
  /** Whether the file says it is of this format, be it right or wrong in the rest. */
  matches(head: Buffer): boolean;
  /**
   * Reads what the head says. It is the file's first HEAD_BYTES, or all of a shorter one.
   * Throws UnacceptableError for a file that must not enter.
   */
  read(head: Buffer, limits: ProbeLimits): Finding;
}

export type ProbeLimits = Required<Pick<InspectionLimits, 'allowLuks' | 'vmdkTypes'>>;

export interface Finding {
  /** As the file says, checked by nobody yet; `file`: the size of the file itself, as with raw data. */
  readonly virtualSizeBytes: bigint | 'file' | undefined;
  readonly variant?: string | undefined;
  readonly properties?: Readonly<Record<string, string>>;
  /** Where the rest is said, behind the head. Its reading replaces this finding. */
  readonly far?: FarRange;
  /** Called when the file has ended. Throws UnacceptableError; may know the size only now. */
  readonly atEnd?: (end: FileEnd) => EndFinding;
}

export interface FarRange {
  /** In the file; not before HEAD_BYTES. */
  readonly offset: number;
  /** Up to MAX_FAR_BYTES. */
  readonly lengthBytes: number;
  /** `bytes` are fewer than `lengthBytes` when the file ends before. Throws UnacceptableError. */
  read(bytes: Buffer): Finding;
}

export interface FileEnd {
  /** The file's last TAIL_BYTES, or all of a shorter one. */
  readonly tail: Buffer;
  readonly sizeBytes: number;
}

export type EndFinding = Pick<Finding, 'virtualSizeBytes'>;

/** Thrown by a probe: the file is of its format, and must not enter. */
export class UnacceptableError extends Error {
  override readonly name = 'UnacceptableError';
  readonly reason: RefusalReason;
  readonly hint: string;

  constructor(reason: RefusalReason, message: string, hint: string) {
    super(message);
    this.reason = reason;
    this.hint = hint;
  }
}

export const HINT_COPY_AGAIN = 'compare its size and digest with the original, and copy it again';
const HINT_CONVERT = 'make it anew with a current tool, e.g. `qemu-img convert -O qcow2 IMAGE NEW.qcow2`';

/** `length` bytes at `offset` of what is kept. Throws `truncated` when the file ends before. */
export function part(bytes: Buffer, offset: number, lengthBytes: number, what: string): Buffer {
  if (offset + lengthBytes <= bytes.length) return bytes.subarray(offset, offset + lengthBytes);
  throw new UnacceptableError('truncated', `the file ends before the end of its ${what}`, HINT_COPY_AGAIN);
}

export function hasAt(bytes: Buffer, offset: number, magic: Buffer): boolean {
  return bytes.subarray(offset, offset + magic.length).equals(magic);
}

/** For fields that contradict each other, or that no tool writes. */
export function badHeader(message: string): UnacceptableError {
  return new UnacceptableError('bad-header', message, HINT_CONVERT);
}

export function unknownVersion(what: string, version: number | string): UnacceptableError {
  return new UnacceptableError('unknown-version', `${what} ${version} is not known`, HINT_CONVERT);
}

/** A disk that holds only what differs from another one. */
export function differencing(format: string): UnacceptableError {
  return new UnacceptableError(
    'differencing',
    `the ${format} disk holds only its differences from another disk`,
    'merge it with its parent first, e.g. `qemu-img convert -O qcow2 IMAGE WHOLE.qcow2` where both are',
  );
}

const QUOTED_CHARACTERS = 40;

/** Text of a stranger's file, fit for a sentence: short, on one line, without control characters. */
export function quoted(text: string): string {
  const short = text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS)}...` : text;
  return JSON.stringify(short).replace(/[^\x20-\x7e]/g, '?');
}
