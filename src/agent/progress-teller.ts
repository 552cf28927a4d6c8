import type { Progress } from '../domain/job.ts';

/** Progress is told at most so often, besides at each change of phase. */
const INTERVAL_MS = 500;

export interface ProgressTellerParts {
  /** False: not taken now, to be said again. */
  readonly tell: (progress: Progress) => boolean;
  readonly now: () => number;
}

/**
 * Tells how far one attempt is: each phase at once, and what moves within one now and then. What was
 * reported last is always told, soon after: a copy that stands still is shown where it stands.
 */
export class ProgressTeller implements Disposable {
  readonly #parts: ProgressTellerParts;
  #newest: Progress | undefined;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  /** There while the newest is still to be told. */
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: ProgressTellerParts) {
    this.#parts = parts;
  }

  /** What was reported last, told or not. */
  get newest(): Progress | undefined {
    return this.#newest;
  }

  /** True when it is in another phase than before. */
  report(progress: Progress): boolean {
    const phaseChanged = this.#newest?.phase !== progress.phase;
    this.#newest = progress;
    const restMs = phaseChanged ? 0 : this.#toldAtMs + INTERVAL_MS - this.#parts.now();
    if (restMs <= 0) this.#tell();
    else this.#timer ??= this.#later(restMs);
    return phaseChanged;
  }

  /** Nothing more is told. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#newest === undefined) return;
    this.#toldAtMs = this.#parts.now();
    if (!this.#parts.tell(this.#newest)) this.#timer = this.#later(INTERVAL_MS);
  }

  /** Keeps no process alive. */
  #later(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#tell(), ms).unref();
  }
}
