import type { Catalogue } from '../catalogue/catalogue.ts';
import { callerSubject } from '../domain/rules/rights.ts';
import type { RefusedCall } from '../rpc/gate.ts';
import type { Log } from '../telemetry/log.ts';
import { withFields } from '../telemetry/request-context.ts';
import { type Rate, RateLimit } from '../trust/rate-limit.ts';

/** How many refusals of one actor are written down: in a flood of them 8640 a day. All are counted by the server. */
const RECORDED: Rate = { perSecond: 0.1, burst: 100 };

/** Longest sentence that is kept: it may quote what the caller sent. */
const MESSAGE_LENGTH = 500;

/** As `requireRight` says it of somebody of whom there is nothing to write down. */
const SHOWED_NOTHING = /showed no identity$/;

/** Writes down what was refused, beside what was done: who asked, from where, for what. */
export class Audit {
  readonly #catalogue: Catalogue;
  readonly #log: Log;
  readonly #limit: RateLimit;
  #isFailing = false;

  /** `clock`: milliseconds of a clock that never goes back; the process's own when left out. */
  constructor(catalogue: Catalogue, log: Log, clock?: () => number) {
    this.#catalogue = catalogue;
    this.#log = log;
    this.#limit = new RateLimit(clock);
  }

  /**
   * Of those who showed something that was not good, all together are one actor: there are as many
   * addresses as somebody likes. Does not throw: that the disk is full changes nothing for who is refused.
   */
  readonly refused = ({ caller, peer, requestId, method, refusal }: RefusedCall): void => {
    const { code, message, storeId } = refusal;
    if (caller.kind === 'nobody' && (code !== 'UNAUTHENTICATED' || SHOWED_NOTHING.test(message))) return;
    const actor = callerSubject(caller);
    if (!this.#limit.take(actor, RECORDED)) return;
    const detail = { method, code, message: message.slice(0, MESSAGE_LENGTH) };
    withFields({ caller: actor, peer, requestId }, () =>
      this.#write((events) => events.append('request.refused', { storeId }, detail, code)),
    );
  };

  #write(entry: (events: Catalogue['events']) => void): void {
    try {
      this.#catalogue.transact(() => entry(this.#catalogue.events));
      this.#isFailing = false;
    } catch (error) {
      // Once, until it works again: callers who are refused would fill the log.
      if (!this.#isFailing) this.#log.error({ err: error }, 'refusals cannot be written down');
      this.#isFailing = true;
    }
  }
}
