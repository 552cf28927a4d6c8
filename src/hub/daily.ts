import type { Log } from '../telemetry/log.ts';

const DAY_MS = 86_400_000;

/** Does the hub's housekeeping at its start and once a day. A chore that fails is logged, and done the next day. */
export class Daily implements Disposable {
  readonly #chores: Readonly<Record<string, () => Promise<void> | void>>;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;

  /** Chores by name, for log lines. */
  constructor(chores: Readonly<Record<string, () => Promise<void> | void>>, log: Log) {
    this.#chores = chores;
    this.#log = log;
  }

  /** Settles when all were done once. */
  async start(): Promise<void> {
    await this.#round();
    this.#timer = setInterval(() => void this.#round(), DAY_MS).unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #round(): Promise<void> {
    for (const [name, chore] of Object.entries(this.#chores)) {
      try {
        await chore();
      } catch (error) {
        this.#log.error({ err: error }, `${name} failed, and is tried again in a day`);
      }
    }
  }
}
