import { Refusal } from '../domain/refusal.ts';
import { callDuplex } from '../rpc/calls.ts';
import { bulkChannel } from '../rpc/channel.ts';
import { Transfer } from '../rpc/proto.ts';
import { type ServingParts, serveRuns } from './serving.ts';

/** An image to bring to a receiver that cannot dial us. */
export interface Delivery {
  readonly taskId: string;
  readonly attempt: number;
  readonly imageId: string;
  readonly receiverAddress: string;
}

/** The images this agent is bringing to others. One delivery per attempt, however often it is asked for. */
export class Deliveries {
  readonly #parts: ServingParts;
  readonly #running = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();

  constructor(parts: ServingParts) {
    this.#parts = parts;
  }

  /**
   * Dials the receiver and answers its requests until it has what it wants. Rejects with a Refusal
   * when that broke off; the receiver's own report is the one that counts. Settles at once when this
   * delivery is under way.
   */
  async deliver(delivery: Delivery): Promise<void> {
    const name = JSON.stringify([delivery.taskId, delivery.attempt]);
    if (this.#running.has(name)) return;
    const running = this.#deliver(delivery).finally(() => this.#running.delete(name));
    this.#running.set(name, running);
    await running;
  }

  async stop(reason: Refusal): Promise<void> {
    this.#stop.abort(reason);
    await Promise.allSettled(this.#running.values());
  }

  async #deliver({ taskId, attempt, imageId, receiverAddress }: Delivery): Promise<void> {
    const { signal } = this.#stop;
    await using channel = bulkChannel({ address: receiverAddress, peer: 'receiver' });
    await using call = callDuplex(channel, Transfer.Push, { signal });
    await call.write({ hello: { taskId, attempt, imageId } });
    for await (const { imageId: asked, runs } of call.messages) {
      if (asked !== imageId)
        throw new Refusal('INVALID', `${channel.peer} asked for another image, ${asked}`);
      await serveRuns(this.#parts, { imageId, runs }, (frame) => call.write({ frame }), signal);
    }
  }
}
