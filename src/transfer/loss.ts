import { CHUNK_BYTES } from '../domain/chunk.ts';

/** A checkpoint is due when so much is written after the one before. */
export const CHECKPOINT_BYTES = 16 * 1024 * 1024;

/** Chunks being hashed and written at once. */
export const WIDTH = 4;

/** Pulls of one copy that may run at once. */
export const MOST_PULLS = 8;

/** Chunks that may be asked for and not be durable, when several pulls run at once. */
export const ASKED_CHUNKS = 15;

/**
 * What may have to be sent again after a SIGKILL or a loss of power, by default, at most 64 MiB. A chunk
 * counts until a checkpoint that covers it is durable (Checkpointer.begin waits).
 *
 * One pull at a time asks for more than may be lost, so that the link is never idle. A chunk counts from its first
 * frame on, what is on its way comes on top; in MiB:
 *
 *     28  chunks begun since the durable checkpoint: 16 until it is due, and while it is
 *         flushed and saved the other WIDTH - 1 places take one chunk of 4 each; then
 *         nothing is begun until it is durable
 *      1  the frame that waits to begin the next chunk
 *      2  frames the RPC layer has read ahead for us
 *      1  the frame it is putting together
 *     16  flow-control window: sent, not read
 *     --
 *     48  of the 64 that are allowed; so a window of up to 32 keeps to it
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
export const RESENT_AT_MOST_BYTES = Math.max(
  CHECKPOINT_BYTES + (WIDTH - 1) * CHUNK_BYTES,
  ASKED_CHUNKS * CHUNK_BYTES,
);

/** How a copy keeps to the bound. */
export interface LossBounds {
  /** A checkpoint is due after so many chunks. */
  readonly everyChunks: number;
  /** Chunks that may have begun past the durable checkpoint, when there is one pull at a time. */
  readonly begunChunks: number;
  /** Chunks that may be asked for past the durable checkpoint, when several pulls run at once. */
  readonly askedChunks: number;
}

/** `width`: chunks being hashed and written at once. */
export function lossBounds(checkpointBytes: number, width: number, askedChunks: number): LossBounds {
  const everyChunks = Math.max(1, Math.floor(checkpointBytes / CHUNK_BYTES));
  return { everyChunks, begunChunks: everyChunks + width - 1, askedChunks };
}
