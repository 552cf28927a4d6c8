import { CHUNK_BYTES } from '../domain/chunk.ts';
import type { Checkpointer } from './checkpointer.ts';
import { type ChunkRun, type FrameSource, RUNS_PER_REQUEST } from './frames.ts';
import { unlessAborted } from './in-flight.ts';
import { type LossBounds, MOST_PULLS } from './loss.ts';
import type { Manifest } from './manifest.ts';
import { chunksOf, dataRequests, runsOf } from './runs.ts';

/** Of several pulls at once, each asks for so many chunks at most: enough to keep its connection busy for a while. */
const GROUP_CHUNKS = 4;

/**
 * The first request of a pull that is alone is short, as others may join it soon and then wait for its end. Those
 * that follow are as long as may be: each is a call of its own, and a call that has begun outlives the
 * certificate it was begun with.
 */
const FIRST_REQUEST_CHUNKS = 4;
const LONGEST_REQUEST_CHUNKS = RUNS_PER_REQUEST;

export interface ChunkRequest {
  readonly runs: readonly ChunkRun[];
  /** Before the first frame of each chunk is taken in, in the order of the runs. */
  readonly begin: (chunk: number, signal: AbortSignal) => Promise<void>;
  /** To be called when there will be no more frames, whatever became of it. */
  readonly end: () => void;
}

export interface ChunkQueueOptions {
  readonly manifest: Manifest;
  /** Where the copy begins, or goes on. */
  readonly nextChunk: number;
  /** Of the chunks from there on: not to be asked for, as they are in the store. */
  readonly right: ReadonlySet<number>;
  readonly source: Pick<FrameSource, 'width' | 'windowBytes'>;
  readonly bounds: LossBounds;
  readonly checkpointer: Pick<Checkpointer, 'begin' | 'done'>;
}

/**
 * The data chunks that a copy lacks, handed out in rising order to the pulls that ask for them.
 *
 * They begin in rising order, whoever pulls them: `take` lets one pull at a time through. Of several, each gets its
 * turn when all chunks of the one before have begun, before any is asked for; one that is alone begins its chunks as
 * they arrive, and keeps its turn until the last of them has.
 *
 * Nothing waits for ever for the checkpoint, a slab and a turn, few as there may be. What waits for its turn, or to
 * begin, holds no slab: in a pull of several all has begun before it is asked for, and one that is alone begins
 * a chunk before it takes its slab. So whoever holds a slab waits only for its own connection,
 * or for a store that reads or writes, or for a place to be written that such ones hold; it gets done, and slabs and
 * places go round, first come first served. Hence every chunk that has been asked for gets done, the lowest too.
 * Of those that have begun only the group that is being handed out is not asked for, at most GROUP_CHUNKS - 1 at the
 * end; so a checkpoint is due before the bound is reached (`Checkpointer.begin`), and the group goes out.
 * On a connection that several pulls share, what nobody has a slab for would be in front of what somebody waits for
 * with a slab; there it holds as long as the pool has a slab for each pull and one more (`Arrivals.pullAll` sees to
 * it): then those that do not wait for the connection come back to who has none.
 */
export class ChunkQueue {
  readonly #options: ChunkQueueOptions;
  readonly #chunks: Iterator<number, void>;
  #next: IteratorResult<number, void>;
  #chunksLeft: number;
  #turn: Promise<void> = Promise.resolve();
  #areSeveral = false;
  #requestChunks = FIRST_REQUEST_CHUNKS;

  constructor(options: ChunkQueueOptions) {
    const { manifest, nextChunk } = options;
    this.#options = options;
    this.#chunks = chunksFrom(manifest, nextChunk);
    this.#next = this.#chunks.next();
    // Only the last chunk of an image is ever shorter.
    this.#chunksLeft = Math.ceil((manifest.dataBytes - manifest.dataBytesBefore(nextChunk)) / CHUNK_BYTES);
  }

  /** The next request for a pull, undefined when nothing is left. Rejects when `signal` aborts, or as the store does. */
  async take(signal: AbortSignal): Promise<ChunkRequest | undefined> {
    const before = this.#turn;
    const mine = Promise.withResolvers<void>();
    this.#turn = before.then(() => mine.promise);
    try {
      await unlessAborted(before, signal);
      await this.#passRight(signal);
      const { source, checkpointer } = this.#options;
      this.#areSeveral ||= source.width > 1;
      const chunks = this.#takeChunks();
      const last = chunks.at(-1);
      if (last === undefined) {
        mine.resolve();
        return undefined;
      }
      const runs = runsOf(chunks);
      if (this.#areSeveral) {
        for (const chunk of chunks) await checkpointer.begin(chunk, this.#mostChunks, signal);
        mine.resolve();
        return { runs, begin: async () => {}, end: () => {} };
      }
      const begin = async (chunk: number, stop: AbortSignal) => {
        await checkpointer.begin(chunk, this.#mostChunks, stop);
        if (chunk === last) mine.resolve();
      };
      return { runs, begin, end: mine.resolve };
    } catch (error) {
      mine.resolve();
      throw error;
    }
  }

  get #mostChunks(): number {
    const { bounds, source } = this.#options;
    return this.#areSeveral ? bounds.askedChunks : bounds.begunChunks(source.windowBytes);
  }

  /** Those in the store have their place in the order as well: the checkpoint passes over them as over others. */
  async #passRight(signal: AbortSignal): Promise<void> {
    const { right, checkpointer } = this.#options;
    for (;;) {
      const { value: chunk } = this.#next;
      if (chunk === undefined || !right.has(chunk)) return;
      await checkpointer.begin(chunk, this.#mostChunks, signal);
      this.#advance();
      await checkpointer.done(chunk);
    }
  }

  /** Up to the next one that is in the store. */
  #takeChunks(): number[] {
    const most = this.#areSeveral ? this.#groupChunks() : this.#requestChunks;
    this.#requestChunks = LONGEST_REQUEST_CHUNKS;
    const chunks: number[] = [];
    while (chunks.length < most) {
      const { value: chunk } = this.#next;
      if (chunk === undefined || this.#options.right.has(chunk)) return chunks;
      chunks.push(chunk);
      this.#advance();
    }
    return chunks;
  }

  /**
   * Half of what may be asked for is shared out: the rest is what is being written and what waits for the
   * checkpoint. Towards the end groups get smaller, so that none is left alone with a long one.
   */
  #groupChunks(): number {
    const { source, bounds } = this.#options;
    const pulls = Math.max(1, Math.min(source.width, MOST_PULLS));
    const share = Math.floor((bounds.askedChunks + 1) / 2 / pulls);
    return Math.max(1, Math.min(GROUP_CHUNKS, share, Math.ceil(this.#chunksLeft / 2 / pulls)));
  }

  #advance(): void {
    this.#next = this.#chunks.next();
    this.#chunksLeft--;
  }
}

function* chunksFrom(manifest: Manifest, nextChunk: number): Generator<number, void, void> {
  for (const runs of dataRequests(manifest, nextChunk)) yield* chunksOf(runs);
}
