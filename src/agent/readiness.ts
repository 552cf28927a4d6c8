export type Part = 'store' | 'hub';

/** Whether the agent can do its work, and what keeps it from that: for probes, systemd and people. */
export class Readiness {
  readonly #reasons = new Map<Part, string>([
    ['store', 'the store has not answered yet'],
    ['hub', 'the hub has not been reached yet'],
  ]);
  readonly #ready = Promise.withResolvers<void>();

  /** What is in the way, a sentence each; none when ready. */
  get reasons(): readonly string[] {
    return [...this.#reasons].map(([part, reason]) => `${part}: ${reason}`);
  }

  get isReady(): boolean {
    return this.#reasons.size === 0;
  }

  isUp(part: Part): boolean {
    return !this.#reasons.has(part);
  }

  /** Settles when it is ready for the first time. */
  get firstReady(): Promise<void> {
    return this.#ready.promise;
  }

  /** True when this is news. */
  up(part: Part): boolean {
    const isNews = this.#reasons.delete(part);
    if (this.isReady) this.#ready.resolve();
    return isNews;
  }

  /** True when this is news: the part was up, or down for another reason. */
  down(part: Part, reason: string): boolean {
    if (this.#reasons.get(part) === reason) return false;
    this.#reasons.set(part, reason);
    return true;
  }
}
