import { Refusal } from '../domain/refusal.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** The first signal asks the daemon to stop; the second one not to wait any longer. */
export class StopSignals implements Disposable {
  readonly #stop = new AbortController();
  readonly #cut = new AbortController();
  readonly #listener = () => {
    const target = this.#stop.signal.aborted ? this.#cut : this.#stop;
    target.abort(new Refusal('CANCELLED', 'told to stop'));
  };

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#listener);
  }

  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) process.off(signal, this.#listener);
  }
}
