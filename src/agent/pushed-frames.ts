import { Refusal } from '../domain/refusal.ts';
import type { PullRequest } from '../rpc/generated/entrepot/v1/PullRequest.ts';
import type { PushMessageWire } from '../transfer/frame-codec.ts';
import type { ChunkRun, Frame } from '../transfer/frames.ts';
import { unlessAborted } from '../transfer/in-flight.ts';
import type { Line } from './joined-frames.ts';

/**
 * The frames of one connection of a source that dialled us: requests go down the call, frames come up, in the
 * order of the requests. One stream carries them all, so pulls read in turn; one that is left
 * before its last frame makes the stream useless for the next, which is then told so. A source that
 * may not send for a while says hello again and again: that only tells that it is there.
 */
export class PushedFrames implements Line {
  readonly #messages: AsyncIterator<PushMessageWire>;
  readonly #ask: (request: PullRequest) => Promise<void>;
  readonly #delivery: AbortSignal;
  #turn: Promise<void> = Promise.resolve();
  #broken: Refusal | undefined;

  /**
   * `messages` follow the hello; `ask` sends a request to the source; `delivery` aborts when the
   * source must not, or cannot, go on: who reads is told why.
   */
  constructor(
    messages: AsyncIterator<PushMessageWire>,
    ask: (request: PullRequest) => Promise<void>,
    delivery: AbortSignal,
  ) {
    this.#messages = messages;
    this.#ask = ask;
    this.#delivery = delivery;
  }

  get isSound(): boolean {
    return this.#broken === undefined && !this.#delivery.aborted;
  }

  async *pull(imageId: string, runs: readonly ChunkRun[], stop: AbortSignal): AsyncGenerator<Frame> {
    const signal = AbortSignal.any([stop, this.#delivery]);
    const before = this.#turn;
    const mine = Promise.withResolvers<void>();
    this.#turn = before.then(() => mine.promise);
    let chunksLeft = runs.reduce((sum, run) => sum + run.chunkCount, 0);
    try {
      // Asked for before its turn, so that the source never idles for a round trip.
      if (!this.#broken)
        await unlessAborted(this.#ask({ imageId, runs: [...runs], acceptsPacked: true }), signal);
      await unlessAborted(before, signal);
      if (this.#broken) throw this.#broken;
      while (chunksLeft > 0) {
        const frame = await unlessAborted(this.#next(), signal);
        if (frame.last) chunksLeft -= 1;
        yield frame;
      }
    } finally {
      if (chunksLeft > 0) this.#broken ??= new Refusal('UNAVAILABLE', 'the delivery was broken off');
      mine.resolve();
    }
  }

  async #next(): Promise<Frame> {
    for (;;) {
      const { done, value } = await this.#messages.next();
      if (done) throw new Refusal('UNAVAILABLE', 'the source ended its delivery early');
      if ('frame' in value) return value.frame;
    }
  }
}
