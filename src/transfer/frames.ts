import type { Compression } from '../domain/compression.ts';

/** A piece of a chunk on its way (proto/entrepot/v1/transfer.proto, `Frame`). */
export interface Frame {
  readonly offset: number;
  readonly data: Uint8Array;
  readonly last: boolean;
  /** `data` is packed, and unpacks to so many bytes, FRAME_BYTES at most. Left out: it is as it is. */
  readonly unpackedBytes?: number;
  /** On the last frame of a chunk: what the sender decided. */
  readonly compression?: Compression;
}

/** A run of neighbouring chunks, by index. */
export interface ChunkRun {
  readonly firstChunk: number;
  readonly chunkCount: number;
}

/** At most so many runs in one PullRequest: keeps it far below the message limit. */
export const RUNS_PER_REQUEST = 4096;

/** Payload of a frame: measured, smaller costs a little and larger gains nothing. */
export const FRAME_BYTES = 1024 * 1024;

/**
 * Pulls on one connection of several: while one is answered the next is asked for, so that no connection idles for a
 * round trip and a reading of the source's store.
 */
const PULLS_PER_CONNECTION = 2;

/** Pulls that so many connections are good for. */
export function pullsOn(connections: number): number {
  return connections > 1 ? connections * PULLS_PER_CONNECTION : 1;
}

/**
 * Where frames come from, whoever dialled whom. The receiver asks; frames of one call
 * come in the order of its runs. Stops when `signal` aborts. Rejects with a Refusal.
 */
export interface FrameSource {
  /** So many pulls may run at once, PULLS_PER_CONNECTION on each connection at most; may grow while the source lives. */
  readonly width: number;
  /** What may be on its way, or lie unread, of a pull that is alone: the flow-control window. May shrink before the first frame. */
  readonly windowBytes: number;
  pull(imageId: string, runs: readonly ChunkRun[], signal: AbortSignal): AsyncIterable<Frame>;
}
