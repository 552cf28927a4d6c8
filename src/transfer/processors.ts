import { cpus } from 'node:os';

const SAMPLE_MS = 1000;

interface Times {
  readonly idleMs: number;
  readonly allMs: number;
}

/** How idle the processors of this machine are, looked at once a second, and only while somebody watches. */
export class Processors {
  readonly #read: () => Times;
  #watching = 0;
  #timer: NodeJS.Timeout | undefined;
  #before: Times | undefined;
  #idleShare: number | undefined;

  /** @param read time since the machine began, of all processors together */
  constructor(read: () => Times = timesOfAll) {
    this.#read = read;
  }

  /** Of the last second, 0 to 1; undefined in the first second that somebody watches. */
  get idleShare(): number | undefined {
    return this.#idleShare;
  }

  /** Until it is disposed of. */
  watch(): Disposable {
    this.#watching += 1;
    if (this.#timer === undefined) this.#begin();
    let watches = true;
    return {
      [Symbol.dispose]: () => {
        if (!watches) return;
        watches = false;
        this.#watching -= 1;
      },
    };
  }

  #begin(): void {
    this.#before = this.#read();
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS).unref();
  }

  #sample(): void {
    // Not at once when the last one leaves: a receiver asks in many requests.
    if (this.#watching === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#idleShare = undefined;
      return;
    }
    const now = this.#read();
    const { idleMs, allMs } = this.#before ?? now;
    if (now.allMs > allMs) this.#idleShare = (now.idleMs - idleMs) / (now.allMs - allMs);
    this.#before = now;
  }
}

function timesOfAll(): Times {
  let [idleMs, allMs] = [0, 0];
  for (const { times } of cpus()) {
    idleMs += times.idle;
    allMs += times.idle + times.user + times.nice + times.sys + times.irq;
  }
  return { idleMs, allMs };
}
