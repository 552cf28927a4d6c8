import { CHUNK_BYTES } from '../domain/chunk.ts';
import { FRAME_BYTES } from './frames.ts';

/** A checkpoint is due when so much is written after the one before. */
export const CHECKPOINT_BYTES = 16 * 1024 * 1024;

/** Chunks being hashed and written at once: four, and one whose writer saves the checkpoint meanwhile. */
export const WIDTH = 5;

/** Pulls of one copy that may run at once. */
export const MOST_PULLS = 8;

/** Chunks that may be asked for and not be durable, when several pulls run at once. */
export const ASKED_CHUNKS = 15;

/** Frames of a pull besides the window: one that waits to begin the next chunk, two read ahead, one being put together. */
const FRAMES_BYTES = 4 * FRAME_BYTES;

/**
 * What may have to be sent again after a SIGKILL or a loss of power, at most. A chunk counts until a checkpoint
 * that covers it is durable (Checkpointer.begin waits).
 *
 * One pull at a time asks for more than may be lost, so that the link is never idle. A chunk counts from its first
 * frame on; what is on its way comes on top: frames, and the flow-control window. So as many chunks may have begun
 * as these leave room for: 14 with the window of a near site, 4 MiB, 11 with 16 MiB and 7 with 32. Where the store
 * is the slower side it writes them while a checkpoint is made; with few it waits for each.
 *
 * Several pulls at once count a chunk from before it is asked for until it is durable: so what was ever
 * sent and is not durable is ASKED_CHUNKS x 4 = 60 MiB, however many connections there are, however large their windows.
 *
 * A copy begins with one pull, and does not go back to it once it had several. Their chunks are counted only when the
 * last chunk of the one pull has begun, and then nothing of it is on its way any more but the rest of
 * that chunk, which is counted: the bounds do not add up.
 *
 * Nor do they over several attempts. Chunks begin in rising order, so all that was ever sent and is not durable lies
 * in the first 64 MiB of data chunks after the checkpoint, whichever attempt it was sent in.
 */
export const RESENT_AT_MOST_BYTES = 64 * 1024 * 1024;

/** How a copy keeps to the bound. */
export interface LossBounds {
  /** A checkpoint is due after so many chunks. */
  readonly everyChunks: number;
  /** Chunks that may be asked for past the durable checkpoint, when several pulls run at once. */
  readonly askedChunks: number;
  /** Chunks that may have begun past the durable checkpoint, when there is one pull at a time, with a window of so many bytes. */
  readonly begunChunks: (windowBytes: number) => number;
}

export function lossBounds(checkpointBytes: number, askedChunks: number): LossBounds {
  const everyChunks = Math.max(1, Math.floor(checkpointBytes / CHUNK_BYTES));
  const begunChunks = (windowBytes: number) => {
    const room = Math.floor((RESENT_AT_MOST_BYTES - FRAMES_BYTES - windowBytes) / CHUNK_BYTES);
    // Fewer than a checkpoint's would wait for ever. The chunk that waits to begin counts among those asked for.
    return Math.max(everyChunks, Math.min(askedChunks - 1, room));
  };
  return { everyChunks, askedChunks, begunChunks };
}
