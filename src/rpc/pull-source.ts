import { type ChunkRun, type Frame, type FrameSource, RUNS_PER_REQUEST } from '../transfer/frames.ts';
import { callServerStream, callUnary } from './calls.ts';
import { type BulkChannelSettings, bulkChannel, type Channel } from './channel.ts';
import { TICKET_KEY } from './limits.ts';
import { Transfer } from './proto.ts';

export interface PullSourceSettings extends BulkChannelSettings {
  /** The hub's permission to pull. */
  readonly ticket: string;
}

/**
 * Frames from an agent that holds the image, which we dial: on a bulk channel of its own, one
 * request after the other, of at most RUNS_PER_REQUEST runs. Disposing of it ends what is under way.
 */
export class PullSource implements FrameSource, AsyncDisposable {
  readonly #channel: Channel;
  #ticket: string;
  #pulls = 0;

  constructor({ ticket, ...settings }: PullSourceSettings) {
    this.#channel = bulkChannel(settings);
    this.#ticket = ticket;
  }

  /** The ticket the hub has renewed: shown at once for what is under way, and with each request from now on. */
  setTicket(ticket: string): void {
    this.#ticket = ticket;
    if (this.#pulls === 0) return;
    // Should the other side not take it, the pull ends when the ticket before it does, and says why.
    callUnary(this.#channel, Transfer.Renew, { ticket }).catch(() => {});
  }

  async *pull(imageId: string, runs: readonly ChunkRun[], signal: AbortSignal): AsyncGenerator<Frame> {
    this.#pulls++;
    try {
      for (let first = 0; first < runs.length; first += RUNS_PER_REQUEST) {
        const request = { imageId, runs: runs.slice(first, first + RUNS_PER_REQUEST) };
        const metadata = { [TICKET_KEY]: this.#ticket };
        yield* callServerStream(this.#channel, Transfer.Pull, request, { signal, metadata });
      }
    } finally {
      this.#pulls--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel[Symbol.asyncDispose]();
  }
}
