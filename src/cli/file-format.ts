import type { DiskFormat } from '../domain/image.ts';
import { DISK_FORMATS } from '../domain/image.ts';
import { Refusal } from '../domain/refusal.ts';
import { zeroPieces } from '../image/digests.ts';
import { Inspector } from '../image/inspect/inspector.ts';
import { type FoundFormat, isCompression, type RefusalReason } from '../image/inspect/verdict.ts';

/** Where formats have what they are known by: at the beginning of a file, where that says, and at its end. */
const HEAD_BYTES = 1024 * 1024;
const TAIL_BYTES = 64 * 1024;

/** What a site's configuration may allow, and is for its agent to say. */
const FOR_THE_SITE: ReadonlySet<RefusalReason> = new Set([
  'vmdk-type',
  'virtual-size-too-large',
  'encrypted',
]);

/** Formats whose files go into a store as they are. */
const KEPT: ReadonlySet<FoundFormat> = new Set(['raw', 'iso', 'luks']);

export interface FileFormat {
  /** What the file is. */
  readonly found: FoundFormat;
  /** What to declare it as when nobody says otherwise. */
  readonly diskFormat: DiskFormat;
  /** Whether its bytes go straight into a store, without being staged, unpacked or converted. */
  readonly isKept: boolean;
}

/** Something with bytes at places, as a local file. */
interface Readable {
  readonly path: string;
  readonly sizeBytes: number;
  readonly read: (offset: number, target: Buffer) => Promise<void>;
}

/**
 * What a local file is, by its first bytes, those they lead to, and its last. INVALID when no site would let it in,
 * so that nothing of it is sent; what is in between the agent looks at.
 */
export async function formatOfFile({ path, sizeBytes, read }: Readable): Promise<FileFormat> {
  const inspector = new Inspector({ maxVirtualSizeBytes: Number.MAX_SAFE_INTEGER, allowLuks: true });
  const head = Buffer.alloc(Math.min(HEAD_BYTES, sizeBytes));
  await read(0, head);
  inspector.write(head);
  const tail = Buffer.alloc(Math.min(TAIL_BYTES, sizeBytes - head.length));
  const tailOffset = sizeBytes - tail.length;
  const wanted = inspector.wanted ?? { offset: tailOffset, lengthBytes: 0 };
  const farOffset = within(wanted.offset, head.length, tailOffset);
  const far = Buffer.alloc(within(wanted.offset + wanted.lengthBytes, farOffset, tailOffset) - farOffset);
  skip(inspector, farOffset - head.length);
  await read(farOffset, far);
  inspector.write(far);
  skip(inspector, tailOffset - farOffset - far.length);
  await read(tailOffset, tail);
  inspector.write(tail);
  const verdict = inspector.end();
  if (!verdict.ok && (verdict.format === undefined || !FOR_THE_SITE.has(verdict.reason))) {
    throw new Refusal('INVALID', `${path}: ${verdict.message}`, { hint: verdict.hint });
  }
  const found = verdict.format ?? 'raw';
  return { found, diskFormat: declaredAs(found, path), isKept: KEPT.has(found) };
}

/** Bytes that nothing hangs on. */
function skip(inspector: Inspector, lengthBytes: number): void {
  for (const zeros of zeroPieces(lengthBytes)) {
    if (inspector.isDecided) return;
    inspector.write(zeros);
  }
}

function within(offset: number, first: number, last: number): number {
  return Math.min(Math.max(offset, first), last);
}

/** A compressed file says in its name alone what is in it, as in `debian-13.qcow2.xz`. */
function declaredAs(found: FoundFormat, path: string): DiskFormat {
  const named = isCompression(found) ? (/\.(\w+)\.\w+$/.exec(path)?.[1] ?? 'raw') : found;
  return DISK_FORMATS.find((one) => one === named) ?? 'raw';
}
