import { setTimeout as sleep } from 'node:timers/promises';
import { CHUNK_BYTES, chunkLength } from '../../domain/chunk.ts';
import { Refusal, type RefusalCode } from '../../domain/refusal.ts';
import type { Frame } from '../../transfer/frames.ts';
import type { Mark, PartialFile } from './partial-file.ts';

/** What is being written while the next frames arrive: bounds memory. */
const PENDING_FRAMES = 8;

/** Before a broken connection is tried anew; doubled each time it is in vain. */
const FIRST_REDIAL_MS = 250;
const MAX_REDIAL_MS = 4000;

/** What passes by itself. RATE_LIMITED: the hub may not know yet that the call before is over. */
const PASSING: ReadonlySet<RefusalCode> = new Set(['UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED']);

export interface ReceiveOptions {
  /** The image's frames from a whole number of chunks on. */
  readonly framesFrom: (fromByte: number) => AsyncIterable<Frame>;
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
  /** How long after a break nothing new may come before the download is given up. Milliseconds. */
  readonly awayMs: number;
  /** Told once for each time the connection breaks. */
  readonly onAway: (sentence: string) => void;
  readonly onProgress: (mark: Mark) => void;
}

/**
 * Writes what is still missing of an image. A connection that breaks is made again, and goes on with the chunk it
 * broke in. What is refused before anything came is refused: UNAVAILABLE and the like are not waited for then.
 * CORRUPT, and the file is discarded, when the hub sends what does not belong there.
 */
export async function receiveImage(partial: PartialFile, options: ReceiveOptions): Promise<void> {
  const { framesFrom, sizeBytes, signal, awayMs, onAway } = options;
  let furthestBytes: number | undefined;
  let redialMs = FIRST_REDIAL_MS;
  let awaySinceMs: number | undefined;
  const onFrame = (endBytes: number) => {
    // What comes again is no step ahead: a call that always breaks at one byte is given up.
    if (furthestBytes !== undefined && endBytes <= furthestBytes) return;
    furthestBytes = endBytes;
    redialMs = FIRST_REDIAL_MS;
    awaySinceMs = undefined;
  };
  while (partial.mark.completeBytes < sizeBytes) {
    try {
      await writeFrames(framesFrom(partial.mark.completeBytes), partial, options, onFrame);
      return;
    } catch (error) {
      const failure = Refusal.from(error);
      if (furthestBytes === undefined || !PASSING.has(failure.code)) throw failure;
      if (awaySinceMs === undefined) onAway(`${failure.message}; the download goes on as soon as it can`);
      awaySinceMs ??= Date.now();
      if (Date.now() - awaySinceMs >= awayMs) throw failure;
    }
    await sleep(redialMs, undefined, { signal });
    redialMs = Math.min(2 * redialMs, MAX_REDIAL_MS);
  }
}

async function writeFrames(
  frames: AsyncIterable<Frame>,
  partial: PartialFile,
  { sizeBytes, onProgress }: ReceiveOptions,
  onFrame: (endBytes: number) => void,
): Promise<void> {
  const pending: Promise<void>[] = [];
  let settled = Promise.resolve();
  let { completeBytes: position, dataBytes } = partial.mark;
  let complete = false;
  try {
    for await (const { offset, data, last } of frames) {
      const end = offset + data.length;
      if (complete || offset < position || end > sizeBytes) {
        await Promise.allSettled(pending);
        await partial.discard();
        throw disorder(offset);
      }
      position = end;
      complete = data.length === 0 && last && offset === sizeBytes;
      const chunk = Math.floor(offset / CHUNK_BYTES);
      if (last && !complete) dataBytes += chunkLength(chunk, sizeBytes);
      // A frame tells as well that the chunks before it are holes.
      const completeBytes = last ? Math.min((chunk + 1) * CHUNK_BYTES, sizeBytes) : chunk * CHUNK_BYTES;
      const mark = { completeBytes: complete ? sizeBytes : completeBytes, dataBytes };
      // In order: what comes after a write that failed does not count.
      settled = Promise.all([settled, partial.write(data, offset)]).then(() => {
        partial.advance(mark);
        onProgress(mark);
      });
      // Awaited below.
      settled.catch(() => {});
      pending.push(settled);
      onFrame(end);
      if (pending.length >= PENDING_FRAMES) await pending.shift();
    }
    await settled;
  } finally {
    // What has arrived counts, however the connection ended.
    await Promise.allSettled(pending);
  }
  if (complete) return;
  throw new Refusal('UNAVAILABLE', `the download ended at byte ${position} of ${sizeBytes}`, {
    hint: '`entrepot store list` shows whether the stores are online',
  });
}

function disorder(offset: number): Refusal {
  return new Refusal('CORRUPT', `the hub sent bytes at ${offset} that do not belong there`, {
    hint: 'do both sides run versions of entrepot that go together?',
  });
}
