import type { Lane } from '../../../src/domain/lane.ts';
import type { Limit } from '../../../src/pacing/limit.ts';
import { type Pace, Pacer } from '../../../src/pacing/pacer.ts';
import { FakeClock } from './fake-clock.ts';

export interface Take {
  readonly lane: Lane;
  readonly limits: readonly Limit[];
  readonly bytes: number;
  readonly stop: AbortController;
  readonly askedAtMs: number;
  /** Undefined while it waits. */
  givenAtMs: number | undefined;
  rejectedWith: unknown;
}

/** A pacer on a clock of its own, and all that was taken, in the order of being given. */
export class Road {
  readonly clock = new FakeClock();
  readonly pacer = new Pacer({ clock: this.clock });
  readonly given: Take[] = [];

  /** One take of a stream of its own. */
  take(limits: readonly Limit[], lane: Lane, bytes: number): Take {
    const take = this.#record(limits, lane, bytes);
    void this.#await(take, this.pacer.pace(limits, lane));
    return take;
  }

  /** A stream that takes as fast as it may, so many at a time, until it is stopped. */
  stream(
    limits: readonly Limit[],
    lane: Lane,
    bytes: number,
    { width = 1, stop = new AbortController() } = {},
  ): Pace {
    const pace = this.pacer.pace(limits, lane);
    const run = async () => {
      for (;;) {
        const take = this.#record(limits, lane, bytes, stop);
        await this.#await(take, pace);
        if (take.givenAtMs === undefined) return;
      }
    };
    for (let index = 0; index < width; index++) void run();
    return pace;
  }

  /** Bytes that were given to takes of this kind since then. */
  bytes(of: (take: Take) => boolean, sinceMs = 0): number {
    return this.given
      .filter((take) => of(take) && (take.givenAtMs ?? 0) >= sinceMs)
      .reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #record(limits: readonly Limit[], lane: Lane, bytes: number, stop = new AbortController()): Take {
    return {
      lane,
      limits: [this.pacer.source, ...limits],
      bytes,
      stop,
      askedAtMs: this.clock.nowMs(),
      givenAtMs: undefined,
      rejectedWith: undefined,
    };
  }

  async #await(take: Take, pace: Pace): Promise<void> {
    try {
      await pace.take(take.bytes, take.stop.signal);
      take.givenAtMs = this.clock.nowMs();
      this.given.push(take);
    } catch (error) {
      take.rejectedWith = error;
    }
  }
}
