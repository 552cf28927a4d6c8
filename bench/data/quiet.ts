import { setTimeout as delay } from 'node:timers/promises';
import type { Meter } from '../common/meter.ts';
import { machineTimes } from '../common/procfs.ts';

/** A cluster goes on removing what a run has made; it counts as done below this share of a processor. */
const OSDS_SHARE = 0.1;
const OSDS_WITHIN_MS = 15_000;
/** Of one processor too: whoever disturbed the run before. */
const MACHINE_SHARE = 0.2;
const MACHINE_WITHIN_MS = 20_000;
const LOOK_MS = 300;

/** Waits before a run, which end at the latest after their time. They reject when the signal is aborted. */
export class Quiet {
  readonly #meter: Pick<Meter, 'osdSeconds'>;

  constructor(meter: Pick<Meter, 'osdSeconds'>) {
    this.#meter = meter;
  }

  async untilOsdsAre(signal: AbortSignal): Promise<void> {
    await untilSlow(() => this.#meter.osdSeconds(), OSDS_SHARE, OSDS_WITHIN_MS, signal);
  }

  /** For when nothing of the bench is at work. */
  async untilMachineIs(signal: AbortSignal): Promise<void> {
    await untilSlow(() => machineTimes().busy, MACHINE_SHARE, MACHINE_WITHIN_MS, signal);
  }
}

/** Until a count of seconds grows by less than `share` of the time. */
async function untilSlow(
  seconds: () => number,
  share: number,
  withinMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (let before = seconds(); Date.now() < deadline; ) {
    await delay(LOOK_MS, undefined, { signal });
    const now = seconds();
    if (now - before < (share * LOOK_MS) / 1000) return;
    before = now;
  }
}
