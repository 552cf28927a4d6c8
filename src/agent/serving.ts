import { parseUuid } from '../domain/ids.ts';
import type { Receiver } from '../transfer/chunk-stream.ts';
import type { ChunkRun, Frame } from '../transfer/frames.ts';
import { type CompressionMode, PackingChoice } from '../transfer/packing-choice.ts';
import type { Processors } from '../transfer/processors.ts';
import { checkRuns } from '../transfer/runs.ts';
import { sendChunks } from '../transfer/sender.ts';
import type { OpenImages } from './open-images.ts';

export interface ServingParts {
  readonly openImages: OpenImages;
  /** What crossed the wire, as it crossed it. */
  readonly onSent: (bytes: number) => void;
  /** Left out: nothing is packed. */
  readonly packing?: Packing;
}

export interface Packing {
  readonly mode: CompressionMode;
  readonly processors: Processors;
}

/** How a stream keeps to what it may send. */
export interface Pace {
  /**
   * Settles when so many bytes may be sent: also after days. Rejects with a Refusal, at once when `signal`
   * aborts.
   */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

export interface RunsRequest {
  readonly imageId: string;
  readonly runs: readonly ChunkRun[];
  /** Frames may come packed. */
  readonly acceptsPacked?: boolean;
  /** Store that the runs are for: streams to the same one share memory, and what was found out about packing. */
  readonly toStoreId?: string | undefined;
}

/**
 * Answers one request of a receiver, whoever dialled whom. Each frame is written when `pace` lets it;
 * `write` settles when the next one may come. A receiver that does not take it keeps nobody here once
 * `signal` aborts. INVALID, NOT_FOUND when the image is not whole here, or what the store says.
 */
export async function serveRuns(
  { openImages, onSent, packing }: ServingParts,
  { imageId, runs, acceptsPacked = false, toStoreId }: RunsRequest,
  pace: Pace,
  write: (frame: Frame) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  await using lease = await openImages.open(parseUuid(imageId));
  const { chunks } = lease;
  checkRuns(runs, chunks.image.sizeBytes);
  const either = AbortSignal.any([signal, lease.signal]);
  const send = async (frame: Frame) => {
    // What a packed frame has saved is left for others.
    await pace.take(frame.data.length, either);
    await write(frame);
    onSent(frame.data.length);
  };
  const receiver = chunks.receiver(toStoreId);
  using stream = chunks.stream(runs, { receiver });
  using _watched = acceptsPacked && packing?.mode === 'auto' ? packing.processors.watch() : undefined;
  const choice = acceptsPacked && packing ? choiceFor(receiver, packing) : NOTHING_PACKED;
  await sendChunks(stream, send, { signal: either, packing: choice });
}

const NOTHING_PACKED = new PackingChoice('off', { nowMs: () => 0, idleShare: () => undefined });

function choiceFor(receiver: Receiver, { mode, processors }: Packing): PackingChoice {
  receiver.packing ??= new PackingChoice(mode, {
    nowMs: () => performance.now(),
    idleShare: () => processors.idleShare,
  });
  return receiver.packing;
}
