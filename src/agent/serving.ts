import { parseUuid } from '../domain/ids.ts';
import type { ChunkRun, Frame } from '../transfer/frames.ts';
import { sendRuns } from '../transfer/sender.ts';
import type { OpenImages } from './open-images.ts';
import type { TransferMemory } from './transfer-memory.ts';

export interface ServingParts {
  readonly openImages: OpenImages;
  readonly memory: TransferMemory;
  readonly onSent: (bytes: number) => void;
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
}

/**
 * Answers one request of a receiver, whoever dialled whom. Each frame is written when `pace` lets it;
 * `write` settles when the next one may come. A receiver that does not take it keeps nobody here once
 * `signal` aborts. INVALID, NOT_FOUND when the image is not whole here, or what the store says.
 */
export async function serveRuns(
  { openImages, memory, onSent }: ServingParts,
  { imageId, runs }: RunsRequest,
  pace: Pace,
  write: (frame: Frame) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  await using lease = await openImages.open(parseUuid(imageId));
  const either = AbortSignal.any([signal, lease.signal]);
  const send = async (frame: Frame) => {
    await pace.take(frame.data.length, either);
    await write(frame);
    onSent(frame.data.length);
  };
  await memory.with((slabs) => sendRuns(lease.image, runs, send, { slabs, signal: either }));
}
