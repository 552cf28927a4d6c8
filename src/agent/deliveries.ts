import { Refusal } from '../domain/refusal.ts';
import { callDuplex, callUnary } from '../rpc/calls.ts';
import { bulkChannel, type Channel } from '../rpc/channel.ts';
import { planned } from '../rpc/distances.ts';
import { CONNECTIONS_KEY, TICKET_KEY } from '../rpc/limits.ts';
import { Transfer } from '../rpc/proto.ts';
import { withInFlight } from '../transfer/in-flight.ts';
import type { Credentials } from '../trust/credentials.ts';
import type { Links } from './links.ts';
import { LiveTicket } from './live-ticket.ts';
import type { AttemptKey } from './messages.ts';
import type { Pacing } from './pacing.ts';
import type { RevokedStores } from './revoked-stores.ts';
import { type Pace, type ServingParts, serveRuns } from './serving.ts';

/** A fifth of what a server waits for a caller that has to send (`silenceMs` of src/rpc). */
const HELLO_AGAIN_MS = 60_000;

/** An image to bring to a receiver that cannot dial us. */
export interface Delivery extends AttemptKey {
  readonly imageId: string;
  /** Undefined when the hub does not say. */
  readonly jobId: string | undefined;
  readonly receiverAddress: string;
  readonly receiverStoreId: string;
  /** For the receiver. */
  readonly ticket: string;
}

export interface DeliveriesParts extends ServingParts {
  /** Asked for at each dialling. */
  readonly credentials: () => Credentials;
  readonly revoked: RevokedStores;
  readonly pacing: Pacing;
  readonly links: Pick<Links, 'to' | 'onSocket'>;
  /** Default HELLO_AGAIN_MS. */
  readonly helloAgainMs?: number;
  /** A ticket the receiver did not take in place of the one before: the delivery ends when that one does. */
  readonly onRenewalRefused: (key: AttemptKey, refusal: Refusal) => void;
}

interface Running {
  readonly ticket: LiveTicket;
  readonly settled: Promise<void>;
}

/** The images this agent is bringing to others. One delivery per attempt, however often it is asked for. */
export class Deliveries {
  readonly #parts: DeliveriesParts;
  readonly #running = new Map<string, Running>();
  readonly #stop = new AbortController();

  constructor(parts: DeliveriesParts) {
    this.#parts = parts;
  }

  /**
   * Dials the receiver and answers its requests until it has what it wants. Rejects with a Refusal
   * when that broke off; the receiver's own report is the one that counts. Settles at once when this
   * delivery is under way: then only its ticket is renewed.
   */
  async deliver(delivery: Delivery): Promise<void> {
    if (this.renewTicket(delivery, delivery.ticket)) return;
    const name = nameOf(delivery);
    const ticket = new LiveTicket(delivery.ticket);
    const settled = this.#deliver(delivery, ticket).finally(() => this.#running.delete(name));
    this.#running.set(name, { ticket, settled });
    await settled;
  }

  /** A ticket in place of the one a delivery has. False when it is not under way. */
  renewTicket(key: AttemptKey, ticket: string): boolean {
    const running = this.#running.get(nameOf(key));
    if (running && ticket !== '') running.ticket.renew(ticket);
    return running !== undefined;
  }

  async stop(reason: Refusal): Promise<void> {
    this.#stop.abort(reason);
    await Promise.allSettled([...this.#running.values()].map(({ settled }) => settled));
  }

  async #deliver(delivery: Delivery, ticket: LiveTicket): Promise<void> {
    const { receiverAddress: address, receiverStoreId: storeId } = delivery;
    if (ticket.text === '' || storeId === '') {
      throw new Refusal('UNSUPPORTED', 'the hub gave no ticket for this delivery', {
        hint: 'the hub is older than the agent: update the hub',
      });
    }
    const cut = new AbortController();
    using _watched = this.#parts.revoked.watch(storeId, (reason) => cut.abort(reason));
    const { credentials, links } = this.#parts;
    const signal = AbortSignal.any([this.#stop.signal, cut.signal]);
    const { connections, ...settings } = await planned(
      {
        address,
        peer: `agent of store ${storeId}`,
        credentials: credentials(),
        expect: { kind: 'store', storeId },
        link: links.to(storeId),
        onSocket: links.onSocket,
      } as const,
      signal,
    );
    const metadata = { [TICKET_KEY]: ticket.text, [CONNECTIONS_KEY]: String(connections) };
    const serving = new Set<Channel>();
    using _renewed = ticket.onRenewed((text) => {
      // It counts for all connections.
      for (const channel of [...serving].slice(0, 1)) void this.#showAgain(delivery, channel, text);
    });
    await anyOf(connections, signal, async (stop) => {
      await using channel = bulkChannel(settings);
      serving.add(channel);
      try {
        await this.#serve(delivery, channel, metadata, stop);
      } finally {
        serving.delete(channel);
      }
    });
  }

  async #serve(
    { taskId, attempt, imageId, jobId, receiverStoreId: toStoreId }: Delivery,
    channel: Channel,
    metadata: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void> {
    using stream = this.#parts.pacing.stream({ toStoreId, jobId });
    // One request is served while the next is waited for: so a receiver that leaves is noticed at once,
    // also while nothing may be sent to it.
    await withInFlight(1, signal, async (serving, stop) => {
      const left = new AbortController();
      const untilLeft = AbortSignal.any([stop, left.signal]);
      await using call = callDuplex(channel, Transfer.Push, { signal: stop, metadata });
      const sayHello = () => call.write({ hello: { taskId, attempt, imageId } });
      await sayHello();
      const pace = this.#sayingHello(stream, () => sayHello().catch((error) => left.abort(error)));
      for await (const { imageId: asked, runs, acceptsPacked } of call.messages) {
        if (asked !== imageId)
          throw new Refusal('INVALID', `${channel.peer} asked for another image, ${asked}`);
        await serving.start(() =>
          serveRuns(
            this.#parts,
            { imageId, runs, acceptsPacked, toStoreId },
            pace,
            (frame) => call.write({ frame }),
            untilLeft,
          ),
        );
      }
      left.abort(new Refusal('UNAVAILABLE', `${channel.peer} ended the delivery`));
    });
  }

  /** While it waits it says hello now and then: a caller that has to send, and says nothing, is given up. */
  #sayingHello(pace: Pace, sayHello: () => Promise<void>): Pace {
    const { helloAgainMs = HELLO_AGAIN_MS } = this.#parts;
    return {
      take: async (bytes, signal) => {
        const timer = setInterval(() => void sayHello(), helloAgainMs);
        try {
          await pace.take(bytes, signal);
        } finally {
          clearInterval(timer);
        }
      },
    };
  }

  /** Never rejects: that the delivery goes on or ends is what counts. */
  async #showAgain({ taskId, attempt }: Delivery, channel: Channel, ticket: string): Promise<void> {
    try {
      await callUnary(channel, Transfer.Renew, { ticket }, { signal: this.#stop.signal });
    } catch (error) {
      this.#parts.onRenewalRefused({ taskId, attempt }, Refusal.from(error));
    }
  }
}

/**
 * Does `work` so many times side by side, once for each connection. One that breaks ends itself alone; when something
 * is wrong that is wrong with all of them, all end. Rejects with the first failure unless one of them went well.
 */
async function anyOf(
  count: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  let first: Refusal | undefined;
  let wentWell = false;
  const attempt = async () => {
    try {
      await work(either);
      wentWell = true;
    } catch (error) {
      const refusal = Refusal.from(error);
      first ??= refusal;
      if (refusal.code !== 'UNAVAILABLE') failed.abort(refusal);
    }
  };
  await Promise.all(Array.from({ length: count }, attempt));
  if (first !== undefined && (!wentWell || failed.signal.aborted)) throw first;
}

function nameOf({ taskId, attempt }: AttemptKey): string {
  return JSON.stringify([taskId, attempt]);
}
