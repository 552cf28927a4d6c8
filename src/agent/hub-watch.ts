import type { Refusal } from '../domain/refusal.ts';
import type { Log } from '../telemetry/log.ts';
import type { Readiness } from './readiness.ts';

/** Says in the log and to probes how it stands with the hub: each news once, however often it is dialled. */
export class HubWatch {
  readonly #readiness: Readiness;
  readonly #log: Log;

  constructor(readiness: Readiness, log: Log) {
    this.#readiness = readiness;
    this.#log = log;
  }

  welcomed(): void {
    if (this.#readiness.up('hub')) this.#log.info('attached to the hub');
  }

  /** `passing`: may heal by itself; if not, probes are told what to do, too. */
  detached({ code, message, hint, rule }: Refusal, passing: boolean): void {
    const reason = passing || hint === undefined ? message : `${message} (${hint})`;
    const isNews = this.#readiness.down('hub', reason);
    if (!isNews) return;
    const fields = { code, ...(hint !== undefined && { hint }), ...(rule !== undefined && { rule }) };
    if (passing) this.#log.warn(fields, `not attached to the hub: ${message}`);
    else this.#log.error(fields, `the hub refuses this agent: ${message}`);
  }
}
