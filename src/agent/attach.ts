import { setTimeout as delay } from 'node:timers/promises';
import { Refusal, type RefusalCode } from '../domain/refusal.ts';
import type { DuplexCall } from '../rpc/calls.ts';
import type { AgentMessage } from '../rpc/generated/entrepot/v1/AgentMessage.ts';
import type { Heartbeat } from '../rpc/generated/entrepot/v1/Heartbeat.ts';
import type { Hello } from '../rpc/generated/entrepot/v1/Hello.ts';
import type { HubMessage__Output } from '../rpc/generated/entrepot/v1/HubMessage.ts';
import type { StoredImage } from '../store/store.ts';
import type { Backoff } from './backoff.ts';

/** Images in one Inventory message. */
const INVENTORY_PAGE = 1000;

/** A hub that has the whole inventory and still says nothing is not well. */
const WELCOME_TIMEOUT_MS = 30_000;

/** What is left of the stream after the agent has said goodbye. */
const GOODBYE_TIMEOUT_MS = 2_000;

/** Used when the hub names no interval. */
const HEARTBEAT_INTERVAL_MS = 10_000;

/** Messages waiting in the stream from which on progress is dropped. */
const PENDING_LIMIT = 16;

/** What time may heal. Any other refusal of the hub needs a person, and is dialled again slowly. */
const PASSING: ReadonlySet<RefusalCode> = new Set(['UNAVAILABLE', 'TIMEOUT', 'CANCELLED', 'INTERNAL']);

export type AttachCall = DuplexCall<AgentMessage, HubMessage__Output>;

export interface AttachParts {
  dial(signal: AbortSignal): AttachCall;
  inventory(): Promise<readonly StoredImage[]>;
  hello(): Hello;
  heartbeat(): Heartbeat;
  /** What the hub may have missed while it was away, said right after its welcome. */
  unheard(): readonly AgentMessage[];
  /** Every message but the welcome. Must not throw. */
  handle(message: HubMessage__Output): void;
  welcomed(): void;
  /** No stream to the hub, for this reason. `passing`: may heal by itself. */
  detached(reason: Refusal, passing: boolean): void;
  readonly backoff: Backoff;
}

/**
 * Keeps one stream to the hub: hello, inventory, welcome; then heartbeats and whatever happens.
 * Dials again, with back-off, for as long as the agent runs.
 */
export class Attach {
  readonly #parts: AttachParts;
  #welcomedCall: AttachCall | undefined;
  /** Messages that wait for room in the stream. */
  #pending = 0;

  constructor(parts: AttachParts) {
    this.#parts = parts;
  }

  /**
   * To the hub, if it is there. Progress and heartbeats that find the stream full are dropped:
   * the next one says more. So what waits in memory for a slow hub is bounded by what it asked for.
   */
  tell(message: AgentMessage): void {
    const call = this.#welcomedCall;
    if (!call) return;
    if (this.#pending >= PENDING_LIMIT && (message.progress || message.heartbeat)) return;
    this.#pending += 1;
    // A stream that broke is reported by its reader; what was lost is sent again after the next welcome.
    const settled = () => {
      if (this.#welcomedCall === call) this.#pending -= 1;
    };
    call.write(message).then(settled, settled);
  }

  /** Settles soon after `signal` aborts; what was told before that still goes out. */
  async run(signal: AbortSignal): Promise<void> {
    const parts = this.#parts;
    while (!signal.aborted) {
      const reason = await this.#session(signal).then(
        () => new Refusal('UNAVAILABLE', 'the hub ended the stream'),
        (error: unknown) => Refusal.from(error),
      );
      if (signal.aborted) break;
      const passing = PASSING.has(reason.code);
      parts.detached(reason, passing);
      await delay(passing ? parts.backoff.next() : parts.backoff.slow(), undefined, { signal }).catch(
        () => undefined,
      );
    }
  }

  async #session(stop: AbortSignal): Promise<void> {
    const cut = new AbortController();
    await using call = this.#parts.dial(cut.signal);
    const tooLate = () => {
      const hint = 'look at the log of the hub';
      cut.abort(new Refusal('UNAVAILABLE', 'the hub does not answer the hello', { hint }));
    };
    const late = setTimeout(tooLate, WELCOME_TIMEOUT_MS);
    const timers: Timers = { late, goodbye: undefined, heartbeat: undefined };
    const onStop = () => {
      call.end();
      timers.goodbye = setTimeout(() => cut.abort(stop.reason), GOODBYE_TIMEOUT_MS);
    };
    stop.addEventListener('abort', onStop, { once: true });
    const introduced = this.#introduce(call, cut);
    try {
      for await (const message of call.messages) {
        if (message.welcome) this.#welcome(call, message.welcome.heartbeatIntervalMs, timers);
        else this.#parts.handle(message);
      }
    } finally {
      this.#welcomedCall = undefined;
      this.#pending = 0;
      stop.removeEventListener('abort', onStop);
      clearTimeout(timers.late);
      clearTimeout(timers.goodbye);
      clearInterval(timers.heartbeat);
      // A listing under way is waited for: a store that is slow gets one at a time.
      await introduced;
    }
  }

  /** Never rejects: what goes wrong here ends the call, and its reader says why. */
  async #introduce(call: AttachCall, cut: AbortController): Promise<void> {
    try {
      await call.write({ hello: this.#parts.hello() });
      const images = await this.#inventory();
      let at = 0;
      do {
        const page = images.slice(at, at + INVENTORY_PAGE);
        at += page.length;
        await call.write({ inventory: { images: page, last: at >= images.length } });
      } while (at < images.length);
    } catch (error) {
      cut.abort(Refusal.from(error));
    }
  }

  async #inventory(): Promise<readonly StoredImage[]> {
    try {
      return await this.#parts.inventory();
    } catch (error) {
      const { message, hint } = Refusal.from(error);
      throw new Refusal('UNAVAILABLE', `the store cannot be listed: ${message}`, { hint, cause: error });
    }
  }

  #welcome(call: AttachCall, intervalMs: number, timers: Timers): void {
    if (this.#welcomedCall) return;
    clearTimeout(timers.late);
    this.#welcomedCall = call;
    this.#parts.backoff.reset();
    this.#parts.welcomed();
    const beat = () => this.tell({ heartbeat: this.#parts.heartbeat() });
    timers.heartbeat = setInterval(beat, intervalMs || HEARTBEAT_INTERVAL_MS);
    beat();
    for (const message of this.#parts.unheard()) this.tell(message);
  }
}

interface Timers {
  readonly late: NodeJS.Timeout;
  goodbye: NodeJS.Timeout | undefined;
  heartbeat: NodeJS.Timeout | undefined;
}
