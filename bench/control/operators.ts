import { callUnary } from '../../src/rpc/calls.ts';
import { type Channel, controlChannel } from '../../src/rpc/channel.ts';
import type { Method } from '../../src/rpc/methods.ts';
import type { Credentials } from '../../src/trust/credentials.ts';
import { HUB } from '../../src/trust/identity.ts';

/** The hub takes 300 calls in a second on a connection, and cuts one that asks for more. */
const CONNECTIONS = 16;

// biome-ignore lint/suspicious/noExplicitAny: the form in which the hub sees a message does not matter here
type Other = any;

/** One operator with many connections, used in turn. Disposing of it closes them. */
export class Operators implements AsyncDisposable {
  readonly #channels: readonly Channel[];
  readonly #signal: AbortSignal;
  #next = 0;

  /** Calls under way end when `signal` aborts. */
  constructor(address: string, credentials: Credentials, signal: AbortSignal) {
    this.#signal = signal;
    this.#channels = Array.from({ length: CONNECTIONS }, () =>
      controlChannel({ address, peer: 'hub', credentials, expect: HUB }),
    );
  }

  /** `timeoutMs`: that of every call when left out. */
  async ask<Request, Reply>(
    method: Method<'unary', Request, Other, Other, Reply>,
    request: Request,
    timeoutMs?: number,
  ): Promise<Reply> {
    const channel = this.#channels[this.#next++ % this.#channels.length] as Channel;
    return await callUnary(channel, method, request, { signal: this.#signal, timeoutMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#channels.map((channel) => channel[Symbol.asyncDispose]()));
  }
}
