import { Refusal } from '../domain/refusal.ts';
import { type ChunkRun, type Frame, type FrameSource, pullsOn } from '../transfer/frames.ts';

/** The frames of one connection. Pulls on it are answered one after the other. */
export interface Line extends Pick<FrameSource, 'pull'> {
  /** False for good once its source has gone, or a pull was left before its end. */
  readonly isSound: boolean;
}

/**
 * The frames of a source that delivers on several connections, which come one after the other. Each pull uses
 * the one with the fewest; what breaks with one of them are its own pulls.
 */
export class JoinedFrames implements FrameSource {
  readonly windowBytes: number;
  readonly #lines: { readonly line: Line; pulls: number }[] = [];

  /** @param windowBytes of all connections together */
  constructor(windowBytes: number) {
    this.windowBytes = windowBytes;
  }

  /** Connections there have been. */
  get size(): number {
    return this.#lines.length;
  }

  get width(): number {
    return pullsOn(this.#lines.filter(({ line }) => line.isSound).length);
  }

  add(line: Line): void {
    this.#lines.push({ line, pulls: 0 });
  }

  async *pull(imageId: string, runs: readonly ChunkRun[], signal: AbortSignal): AsyncGenerator<Frame> {
    const chosen = this.#idlest();
    chosen.pulls++;
    try {
      yield* chosen.line.pull(imageId, runs, signal);
    } finally {
      chosen.pulls--;
    }
  }

  /** When all have broken the last one, which tells why. */
  #idlest() {
    const sound = this.#lines.filter(({ line }) => line.isSound);
    const [first, ...others] = sound.length > 0 ? sound : this.#lines.slice(-1);
    if (first === undefined) throw new Refusal('UNAVAILABLE', 'the source has not dialled');
    return others.reduce((least, one) => (one.pulls < least.pulls ? one : least), first);
  }
}
