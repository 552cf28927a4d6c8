import type { Compression } from '../domain/compression.ts';

/** `auto`: while it makes the stream faster. `on`: whatever the link and the processors do. */
export const COMPRESSION_MODES = ['auto', 'on', 'off'] as const;
export type CompressionMode = (typeof COMPRESSION_MODES)[number];

/** What is looked back at: about as long as a link takes to show what it is like. */
const WINDOW_MS = 1000;

/** Of its time a stream waits for the link, from here on, when the link is what holds it up. */
const LINK_HOLDS_UP = 0.3;

/** Of its time a stream waits for packing, from here on, when packing is what holds it up. */
const PACKING_HOLDS_UP = 0.3;

/** Of the processors' time, idle: to begin to pack, and to go on. */
const IDLE_TO_BEGIN = 0.2;
const IDLE_TO_GO_ON = 0.05;

/** How much faster a stream has to be for packing, to go on with it: else it is the receiver that is slow. */
const WORTHWHILE = 1.05;

/** So long it is packed before it is looked again what the link does without: it may be another one, or have stood still. */
const LOOK_AGAIN_MS = 60_000;

/** After it was begun in vain: how long it is left alone, at first and at most. */
const FIRST_REST_MS = 15_000;
const LONGEST_REST_MS = 240_000;

/** Of chunks that do not give way every so many at least is tried. */
const SELDOMMEST = 32;

export interface PackingConditions {
  /** On a clock that only goes forward. */
  readonly nowMs: () => number;
  /** Part of the processors' time that was idle in the last second; undefined while that is not known. */
  readonly idleShare: () => number | undefined;
}

/** How the time went since the last chunk. Of several streams to one receiver each tells its own. */
export interface TimeSpent {
  readonly elapsedMs: number;
  readonly forLinkMs: number;
  readonly forPackingMs: number;
  /** Of the image, before packing. */
  readonly bytes: number;
}

interface Measured {
  linkShare: number;
  packingShare: number;
  bytesPerMs: number;
  idleShare: number;
}

type State =
  | { readonly is: 'plain'; readonly why: Compression; readonly restUntilMs: number }
  | { readonly is: 'packed'; readonly sinceMs: number; readonly plainBytesPerMs: number; windows: number };

/**
 * Decides for the chunks that go to one receiver whether they are packed. By itself it begins when the link holds
 * the stream up and there are processors to spare, and ends when packing holds it up, the processors are
 * needed elsewhere, or the stream has become no faster: then it was not the link that it waited for, but a receiver.
 * Whether the data gives way is looked at all the time, and ever more seldom while it does not.
 */
export class PackingChoice {
  readonly #mode: CompressionMode;
  readonly #conditions: PackingConditions;
  #state: State = { is: 'plain', why: 'link-keeps-up', restUntilMs: 0 };
  #restMs = FIRST_REST_MS;
  #windowFromMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #window = { elapsedMs: 0, forLinkMs: 0, forPackingMs: 0, bytes: 0 };
  /** One of so many chunks is tried. */
  #every = 1;
  #untilNextTry = 0;

  constructor(mode: CompressionMode, conditions: PackingConditions) {
    this.#mode = mode;
    this.#conditions = conditions;
  }

  /** `on`, or why nothing is packed now, whatever the data is like. */
  get decision(): Compression {
    if (this.#mode === 'off') return 'not-wanted';
    if (this.#mode === 'on' || this.#state.is === 'packed') return 'on';
    return this.#state.why;
  }

  /** While the decision is `on`: whether this chunk should be tried. To be asked once for each. */
  triesNext(): boolean {
    if (this.#untilNextTry === 0) return true;
    this.#untilNextTry -= 1;
    return false;
  }

  /** A chunk that was to be packed gave way, or did not. */
  tried(gaveWay: boolean): void {
    this.#every = gaveWay ? 1 : Math.min(this.#every * 2, SELDOMMEST);
    this.#untilNextTry = this.#every - 1;
  }

  spent(time: TimeSpent): void {
    if (this.#mode !== 'auto') return;
    const nowMs = this.#conditions.nowMs();
    const fromMs = nowMs - time.elapsedMs;
    // A request that came long after the one before: nothing was to be sent meanwhile.
    if (fromMs - this.#lastMs > WINDOW_MS) this.#begin(fromMs);
    this.#lastMs = nowMs;
    this.#window.elapsedMs += time.elapsedMs;
    this.#window.forLinkMs += time.forLinkMs;
    this.#window.forPackingMs += time.forPackingMs;
    this.#window.bytes += time.bytes;
    const lengthMs = nowMs - this.#windowFromMs;
    const idleShare = this.#conditions.idleShare();
    if (lengthMs < WINDOW_MS || idleShare === undefined) return;
    const { elapsedMs, forLinkMs, forPackingMs, bytes } = this.#window;
    this.#state = this.#judge(nowMs, {
      linkShare: forLinkMs / elapsedMs,
      packingShare: forPackingMs / elapsedMs,
      bytesPerMs: bytes / lengthMs,
      idleShare,
    });
    this.#begin(nowMs);
  }

  #begin(windowFromMs: number): void {
    this.#windowFromMs = windowFromMs;
    this.#window = { elapsedMs: 0, forLinkMs: 0, forPackingMs: 0, bytes: 0 };
  }

  #judge(nowMs: number, measured: Measured): State {
    const state = this.#state;
    if (state.is === 'plain') {
      if (nowMs < state.restUntilMs) return state;
      if (measured.linkShare < LINK_HOLDS_UP) return { is: 'plain', why: 'link-keeps-up', restUntilMs: 0 };
      if (measured.idleShare < IDLE_TO_BEGIN) return { is: 'plain', why: 'processors-busy', restUntilMs: 0 };
      return { is: 'packed', sinceMs: nowMs, plainBytesPerMs: measured.bytesPerMs, windows: 0 };
    }
    if (nowMs - state.sinceMs > LOOK_AGAIN_MS) return { is: 'plain', why: 'link-keeps-up', restUntilMs: 0 };
    if (measured.idleShare < IDLE_TO_GO_ON) return this.#rest(nowMs, 'processors-busy');
    if (measured.packingShare > PACKING_HOLDS_UP) return this.#rest(nowMs, 'processors-busy');
    // While it is tried seldom nothing is gained, and next to nothing lost.
    if (this.#every > 1) return state;
    state.windows += 1;
    // The first window holds chunks from before.
    if (state.windows !== 3) return state;
    if (measured.bytesPerMs < state.plainBytesPerMs * WORTHWHILE) return this.#rest(nowMs, 'link-keeps-up');
    this.#restMs = FIRST_REST_MS;
    return state;
  }

  #rest(nowMs: number, why: Compression): State {
    const restUntilMs = nowMs + this.#restMs;
    this.#restMs = Math.min(this.#restMs * 2, LONGEST_REST_MS);
    return { is: 'plain', why, restUntilMs };
  }
}
