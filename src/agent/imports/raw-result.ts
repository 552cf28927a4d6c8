import { Refusal } from '../../domain/refusal.ts';
import { zeroPieces } from '../../image/digests.ts';
import { Inspector } from '../../image/inspect/inspector.ts';
import type { ReadableImage } from '../../store/store.ts';
import type { TaskParts } from '../tasks/parts.ts';

/** Of a converted disk, where other formats have what they are known by: at its beginning, and at its end. */
const HEAD_BYTES = 1024 * 1024;
const TAIL_BYTES = 64 * 1024;

/** What a disk may hold: partitions, a CD, or, where that is let in, one that is encrypted. */
const RAW_IN_ITSELF: ReadonlySet<string> = new Set(['raw', 'iso', 'luks']);

/** The disk that lies in the store may have been made to look like another format to whoever reads it next. */
export async function requireRaw(
  image: ReadableImage,
  { imports }: TaskParts,
  signal: AbortSignal,
): Promise<void> {
  const { sizeBytes } = image;
  const inspector = new Inspector(imports.rules.inspection);
  const head = Buffer.alloc(Math.min(HEAD_BYTES, sizeBytes));
  await image.read(0, head);
  inspector.write(head);
  const tailBytes = Math.min(TAIL_BYTES, sizeBytes - head.length);
  for (const zeros of zeroPieces(sizeBytes - head.length - tailBytes)) {
    signal.throwIfAborted();
    inspector.write(zeros);
  }
  const tail = Buffer.alloc(tailBytes);
  await image.read(sizeBytes - tailBytes, tail);
  inspector.write(tail);
  const verdict = inspector.end();
  if (verdict.ok && RAW_IN_ITSELF.has(verdict.format)) return;
  const what = verdict.ok ? `looks like ${verdict.format} itself` : verdict.message;
  throw new Refusal('INVALID', `the disk in the file is not raw: ${what}`, {
    hint: 'whoever reads it next might open it as that: make the image anew from what a guest wrote',
  });
}
