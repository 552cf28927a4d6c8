import { eventually } from './scripted-hub.ts';

/** A clock that a test moves, and waits that end when it says so. */
export class Clock {
  aheadMs = 0;
  readonly waits: number[] = [];
  #end: () => void = () => undefined;

  readonly now = () => Date.now() + this.aheadMs;

  readonly wait = (ms: number, signal: AbortSignal): Promise<void> => {
    this.waits.push(ms);
    return new Promise((resolve) => {
      this.#end = resolve;
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  };

  /** Ends the wait there is, as if its time were over; settles when the next one has begun. */
  async pass(): Promise<number> {
    const before = this.waits.length;
    this.#end();
    return await this.next(before);
  }

  next(before: number): Promise<number> {
    return eventually(() => (this.waits.length > before ? this.waits.at(-1) : undefined));
  }
}
