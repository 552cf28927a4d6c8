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

export interface RunsRequest {
  readonly imageId: string;
  readonly runs: readonly ChunkRun[];
}

/**
 * Answers one request of a receiver, whoever dialled whom. `write` settles when the next frame may
 * come; a receiver that does not take it keeps nobody here once `signal` aborts. INVALID, NOT_FOUND when the image is not whole here, or what the store says.
 */
export async function serveRuns(
  { openImages, memory, onSent }: ServingParts,
  { imageId, runs }: RunsRequest,
  write: (frame: Frame) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  await using lease = await openImages.open(parseUuid(imageId));
  const send = async (frame: Frame) => {
    await write(frame);
    onSent(frame.data.length);
  };
  await memory.with((slabs) =>
    sendRuns(lease.image, runs, send, { slabs, signal: AbortSignal.any([signal, lease.signal]) }),
  );
}
