import { setTimeout as delay } from 'node:timers/promises';
import { Refusal, type RefusalCode } from '../domain/refusal.ts';
import type { DuplexCall } from '../rpc/calls.ts';
import type { AgentMessage } from '../rpc/generated/entrepot/v1/AgentMessage.ts';
import type { Heartbeat } from '../rpc/generated/entrepot/v1/Heartbeat.ts';
import type { Hello } from '../rpc/generated/entrepot/v1/Hello.ts';
import type { HubMessage__Output } from '../rpc/generated/entrepot/v1/HubMessage.ts';
import type { Welcome__Output } from '../rpc/generated/entrepot/v1/Welcome.ts';
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

/** How often what a person may have changed is looked at, while only a person helps. */
const REFRESH_INTERVAL_MS = 1000;

/** What time may heal. Any other refusal of the hub needs a person, and is dialled again slowly. */
const PASSING: ReadonlySet<RefusalCode> = new Set([
  'UNAVAILABLE',
  'TIMEOUT',
  'RATE_LIMITED',
  'CANCELLED',
  'INTERNAL',
]);

export type AttachCall = DuplexCall<AgentMessage, HubMessage__Output>;

export interface AttachParts {
  /** Looks at what to dial with, and has `redial` called when it has changed. Never rejects. */
  refresh(): Promise<void>;
  /** Rejects with a Refusal when there is no use in dialling. */
  dial(signal: AbortSignal): Promise<AttachCall>;
  inventory(): Promise<readonly StoredImage[]>;
  hello(): Hello;
  heartbeat(): Heartbeat;
  /** What the hub may have missed while it was away, said right after its welcome. */
  unheard(): readonly AgentMessage[];
  /** Every message but a welcome. Must not throw. */
  handle(message: HubMessage__Output): void;
  /** The stream stands. Called for every welcome: the hub may say it again when something in it changes. */
  welcomed(welcome: Welcome__Output): void;
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
  /** Ends the session that there is, or the wait after one, so that the next one begins. */
  #leave: (() => void) | undefined;
  /** Messages that wait for room in the stream. */
  #pending = 0;

  constructor(parts: AttachParts) {
    this.#parts = parts;
  }

  /**
   * To the hub, if it is there. Progress and heartbeats that find the stream full are dropped, which is
   * answered by false: a later one says more. So what waits in memory for a slow hub is bounded by what it
   * asked for.
   */
  tell(message: AgentMessage): boolean {
    const call = this.#welcomedCall;
    if (!call) return true;
    if (this.#pending >= PENDING_LIMIT && (message.progress || message.heartbeat)) return false;
    this.#pending += 1;
    // A stream that broke is reported by its reader; what was lost is sent again after the next welcome.
    const settled = () => {
      if (this.#welcomedCall === call) this.#pending -= 1;
    };
    call.write(message).then(settled, settled);
    return true;
  }

  /**
   * Dials anew, with whatever `dial` dials with by then. For the work it is as if the hub had been
   * restarted: it goes on, and what is told in between is told after the next welcome. What was told
   * before still goes out. While it waits to dial, the wait ends.
   */
  redial(): void {
    this.#leave?.();
  }

  /** Settles soon after `signal` aborts; what was told before that still goes out. */
  async run(signal: AbortSignal): Promise<void> {
    const parts = this.#parts;
    while (!signal.aborted) {
      const reason = await this.#session(signal);
      if (signal.aborted) break;
      if (reason === 'left') continue;
      const passing = PASSING.has(reason.code);
      parts.detached(reason, passing);
      await this.#wait(passing, signal);
    }
  }

  /** Until it is time to dial again. */
  async #wait(passing: boolean, stop: AbortSignal): Promise<void> {
    const { backoff } = this.#parts;
    const leaving = new AbortController();
    this.#leave = () => leaving.abort();
    const signal = AbortSignal.any([stop, leaving.signal]);
    const until = performance.now() + (passing ? backoff.next() : backoff.slow());
    while (!signal.aborted && performance.now() < until) {
      const leftMs = until - performance.now();
      const pauseMs = passing ? leftMs : Math.min(leftMs, REFRESH_INTERVAL_MS);
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      if (!passing && !signal.aborted) await this.#parts.refresh();
    }
    this.#leave = undefined;
  }

  /** Why it ended. Never rejects. */
  async #session(stop: AbortSignal): Promise<Refusal | 'left'> {
    const leaving = new AbortController();
    this.#leave = () => leaving.abort(new Refusal('UNAVAILABLE', 'the hub does not end the stream'));
    const reason = await this.#talk(stop, leaving.signal).then(
      () => new Refusal('UNAVAILABLE', 'the hub ended the stream'),
      (error: unknown) => Refusal.from(error),
    );
    this.#leave = undefined;
    return leaving.signal.aborted ? 'left' : reason;
  }

  async #talk(stop: AbortSignal, leaving: AbortSignal): Promise<void> {
    const cut = new AbortController();
    await using call = await this.#parts.dial(cut.signal);
    if (stop.aborted || leaving.aborted) return;
    const tooLate = () => {
      const hint = 'look at the log of the hub';
      cut.abort(new Refusal('UNAVAILABLE', 'the hub does not answer the hello', { hint }));
    };
    const late = setTimeout(tooLate, WELCOME_TIMEOUT_MS);
    const timers: Timers = { late, goodbye: undefined, heartbeat: undefined };
    const sayGoodbye = () => {
      // What is told from now on waits for the next welcome.
      this.#welcomedCall = undefined;
      call.end();
      const reason: unknown = stop.aborted ? stop.reason : leaving.reason;
      timers.goodbye ??= setTimeout(() => cut.abort(reason), GOODBYE_TIMEOUT_MS);
    };
    const ends = [stop, leaving];
    for (const end of ends) end.addEventListener('abort', sayGoodbye, { once: true });
    const introduced = this.#introduce(call, cut);
    try {
      for await (const message of call.messages) {
        if (message.welcome) this.#welcome(call, message.welcome, timers);
        else this.#parts.handle(message);
      }
    } finally {
      this.#welcomedCall = undefined;
      this.#pending = 0;
      for (const end of ends) end.removeEventListener('abort', sayGoodbye);
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

  #welcome(call: AttachCall, welcome: Welcome__Output, timers: Timers): void {
    this.#parts.welcomed(welcome);
    // Said again, or said to a stream that is being left.
    if (timers.heartbeat !== undefined || timers.goodbye !== undefined) return;
    clearTimeout(timers.late);
    this.#welcomedCall = call;
    this.#parts.backoff.reset();
    const beat = () => this.tell({ heartbeat: this.#parts.heartbeat() });
    timers.heartbeat = setInterval(beat, welcome.heartbeatIntervalMs || HEARTBEAT_INTERVAL_MS);
    beat();
    for (const message of this.#parts.unheard()) this.tell(message);
  }
}

interface Timers {
  readonly late: NodeJS.Timeout;
  goodbye: NodeJS.Timeout | undefined;
  heartbeat: NodeJS.Timeout | undefined;
}
