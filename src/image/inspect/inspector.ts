import { gzip, xz, zip, zstd } from './compressed.ts';
import { iso } from './iso.ts';
import { luks } from './luks.ts';
import { ploop } from './ploop.ts';
import {
  type FarRange,
  type FileEnd,
  type Finding,
  HINT_COPY_AGAIN,
  type Probe,
  type ProbeLimits,
  UnacceptableError,
} from './probe.ts';
import { qcow, qcow2 } from './qcow2.ts';
import { qed } from './qed.ts';
import { raw } from './raw.ts';
import { StreamWindow } from './stream-window.ts';
import { vdi } from './vdi.ts';
import {
  type AcceptedFile,
  DEFAULT_VMDK_TYPES,
  type FoundFormat,
  type InspectionLimits,
  type RefusedFile,
  type Verdict,
} from './verdict.ts';
import { endsAsVhd, FOOTER_BYTES, readFixedVhd, vhd } from './vhd.ts';
import { vhdx } from './vhdx.ts';
import { vmdk } from './vmdk.ts';

/** All but raw, which is what none of them finds itself in. */
const PROBES: readonly Probe[] = [
  qcow2,
  qcow,
  qed,
  vmdk,
  vhd,
  vhdx,
  vdi,
  ploop,
  luks,
  gzip,
  zstd,
  xz,
  zip,
  iso,
];

/**
 * Says what a file is, and whether it may enter, before any other tool touches its bytes; from one
 * reading, within MAX_KEPT_BYTES of memory. The verdict hangs on the file alone, not on how it was cut.
 *
 * What the head says is judged when all of it is there, what lies behind it when that came, what the end
 * says at the end. The first refusal stands. A disk with partitions is raw, and an ISO 9660 image with
 * partitions is an ISO; anything else that is two formats at once is refused, since two readers could see
 * two disks in it.
 */
export class Inspector {
  readonly #window = new StreamWindow();
  readonly #limits: ProbeLimits;
  readonly #maxVirtualSizeBytes: number;
  #format: FoundFormat | undefined;
  #finding: Finding | undefined;
  #verdict: Verdict | undefined;

  constructor({ maxVirtualSizeBytes, allowLuks = false, vmdkTypes = DEFAULT_VMDK_TYPES }: InspectionLimits) {
    this.#limits = { allowLuks, vmdkTypes };
    this.#maxVirtualSizeBytes = Math.floor(Math.min(maxVirtualSizeBytes, Number.MAX_SAFE_INTEGER));
  }

  /** The file's next bytes, cut anywhere. They may change afterwards: what is needed of them is copied. */
  write(bytes: Uint8Array): void {
    try {
      for (let rest = bytes; rest.length > 0 && !this.isDecided; ) {
        rest = rest.subarray(this.#window.take(rest));
        if (this.#window.isHeadFull) this.#judgeBeginning();
      }
    } catch (error) {
      this.#verdict = this.#refusalOf(error);
    }
  }

  /** Whether more bytes change nothing: a refusal is certain, and the rest of the stream need not be read. */
  get isDecided(): boolean {
    return this.#verdict !== undefined;
  }

  /** What its first bytes say it is; undefined before they are there. The end may say otherwise of raw alone. */
  get format(): FoundFormat | undefined {
    return this.#format;
  }

  /** What it has to see of the file behind its first bytes; undefined before they are there, and when that is nothing. */
  get wanted(): Pick<FarRange, 'offset' | 'lengthBytes'> | undefined {
    return this.#finding?.far;
  }

  /** Bytes of memory held, MAX_KEPT_BYTES at most. */
  get keptBytes(): number {
    return this.#window.keptBytes;
  }

  /** After the last byte. Bytes that come later change nothing. */
  end(): Verdict {
    if (this.#verdict !== undefined) return this.#verdict;
    try {
      this.#verdict = this.#judgeWhole();
    } catch (error) {
      this.#verdict = this.#refusalOf(error);
    }
    return this.#verdict;
  }

  /** What can be said before the end. */
  #judgeBeginning(): Finding {
    let finding = this.#finding ?? this.#judgeHead();
    if (finding.far !== undefined && this.#window.isFarFull) finding = this.#judgeFar(finding.far);
    // A fixed VHD, which only its end tells from raw, is longer than its disk.
    const longestBytes = this.#maxVirtualSizeBytes + FOOTER_BYTES;
    if (finding.virtualSizeBytes === 'file' && this.#window.sizeBytes > longestBytes) throw this.#tooLarge();
    return finding;
  }

  #judgeHead(): Finding {
    const { head } = this.#window;
    const [probe = raw, ...others] = PROBES.filter((each) => each.matches(head));
    if (others.length > 0) throw twoFormats([probe, ...others].map(({ format }) => format));
    this.#format = probe.format;
    const finding = this.#kept(probe.read(head, this.#limits));
    if (finding.far !== undefined) this.#window.keep(finding.far.offset, finding.far.lengthBytes);
    return finding;
  }

  #judgeFar(far: FarRange): Finding {
    return this.#kept(far.read(this.#window.far));
  }

  #judgeWhole(): AcceptedFile {
    const end: FileEnd = { tail: this.#window.tail, sizeBytes: this.#window.sizeBytes };
    if (end.sizeBytes === 0) throw empty();
    let finding = this.#judgeBeginning();
    if (finding.far !== undefined) finding = this.#judgeFar(finding.far);
    if (endsAsVhd(end) && this.#format !== 'vhd') finding = this.#judgeVhdEnd(end);
    if (finding.atEnd !== undefined) finding = { ...finding, ...finding.atEnd(end) };
    const { virtualSizeBytes: said, variant, properties = {} } = finding;
    const virtualSizeBytes = said === 'file' ? BigInt(end.sizeBytes) : said;
    if (virtualSizeBytes !== undefined) this.#requireSize(virtualSizeBytes);
    return {
      ok: true,
      format: this.#format ?? raw.format,
      virtualSizeBytes: virtualSizeBytes === undefined ? undefined : Number(virtualSizeBytes),
      variant,
      properties,
    };
  }

  #judgeVhdEnd(end: FileEnd): Finding {
    const before = this.#format ?? raw.format;
    this.#format = undefined;
    if (before !== raw.format) throw twoFormats([before, vhd.format]);
    this.#format = vhd.format;
    return readFixedVhd(end);
  }

  #kept(finding: Finding): Finding {
    if (typeof finding.virtualSizeBytes === 'bigint') this.#requireSize(finding.virtualSizeBytes);
    this.#finding = finding;
    return finding;
  }

  #requireSize(virtualSizeBytes: bigint): void {
    if (virtualSizeBytes === 0n) throw noDisk();
    if (virtualSizeBytes > this.#maxVirtualSizeBytes) throw this.#tooLarge(virtualSizeBytes);
  }

  #tooLarge(virtualSizeBytes?: bigint): UnacceptableError {
    const what = virtualSizeBytes === undefined ? 'the disk' : `the disk, of ${virtualSizeBytes} bytes,`;
    return new UnacceptableError(
      'virtual-size-too-large',
      `${what} is larger than the ${this.#maxVirtualSizeBytes} bytes allowed`,
      'shrink the disk first (`qemu-img resize --shrink`), or raise imports.max_virtual_size_bytes at the agent',
    );
  }

  #refusalOf(error: unknown): RefusedFile {
    if (!(error instanceof UnacceptableError)) throw error;
    const { reason, message, hint } = error;
    return { ok: false, format: this.#format, reason, message, hint };
  }
}

function twoFormats(formats: readonly FoundFormat[]): UnacceptableError {
  return new UnacceptableError(
    'two-formats',
    `it is of ${formats.length === 2 ? 'two formats' : 'several formats'} at once: ${formats.join(' and ')}`,
    'make it anew with one tool, e.g. `qemu-img convert -f FORMAT -O qcow2 IMAGE NEW.qcow2`',
  );
}

function empty(): UnacceptableError {
  return new UnacceptableError('empty', 'the file is empty', HINT_COPY_AGAIN);
}

function noDisk(): UnacceptableError {
  return new UnacceptableError('zero-virtual-size', 'the disk in it has no size', HINT_COPY_AGAIN);
}
