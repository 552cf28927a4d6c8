import { type ChunkRun, type Frame, type FrameSource, RUNS_PER_REQUEST } from '../transfer/frames.ts';
import { callServerStream } from './calls.ts';
import { type BulkChannelSettings, bulkChannel, type Channel } from './channel.ts';
import { Transfer } from './proto.ts';

/**
 * Frames from an agent that holds the image, which we dial: on a bulk channel of its own, one
 * request after the other, of at most RUNS_PER_REQUEST runs. Disposing of it ends what is under way.
 */
export class PullSource implements FrameSource, AsyncDisposable {
  readonly #channel: Channel;

  constructor(settings: BulkChannelSettings) {
    this.#channel = bulkChannel(settings);
  }

  async *pull(imageId: string, runs: readonly ChunkRun[], signal: AbortSignal): AsyncGenerator<Frame> {
    for (let first = 0; first < runs.length; first += RUNS_PER_REQUEST) {
      const request = { imageId, runs: runs.slice(first, first + RUNS_PER_REQUEST) };
      yield* callServerStream(this.#channel, Transfer.Pull, request, { signal });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel[Symbol.asyncDispose]();
  }
}
