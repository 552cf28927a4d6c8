import { Refusal } from '../domain/refusal.ts';
import { type Caller, callerSubject } from '../domain/rules/rights.ts';
import { type Rate, RateLimit } from '../trust/rate-limit.ts';
import type { ServerLimits } from './limits.ts';

/** Who is counted, and how much it may. */
interface Share {
  readonly key: string;
  readonly who: string;
  readonly rate: Rate;
  readonly calls: number;
}

/** How many calls each identity has under way and how many it has begun: no one crowds out another. */
export class Admission {
  readonly #limits: ServerLimits;
  readonly #rates = new RateLimit();
  /** Calls under way by key, and those among them that send streams under `KEY uploads`. */
  readonly #underWay = new Map<string, number>();

  constructor(limits: ServerLimits) {
    this.#limits = limits;
  }

  /** RATE_LIMITED when the caller asks too often. To be asked before any other work is done for a call. */
  begin(caller: Caller, network: string): void {
    const { key, who, rate } = this.#shareOf(caller, network);
    if (this.#rates.take(key, rate)) return;
    throw tooMuch(
      `${who} calls too often: ${rate.perSecond} calls a second are answered`,
      'ask less often; a loop over images may wait between them, a table of all is one call',
    );
  }

  /** A place for a call, kept until disposed of. RATE_LIMITED when the caller has too many under way. */
  enter(caller: Caller, network: string, sendsStream: boolean): Disposable {
    const { callsOfNobody, uploadsPerIdentity } = this.#limits;
    const { key, who, calls } = this.#shareOf(caller, network);
    const places = [{ key, limit: calls, what: 'calls' }];
    if (caller.kind === 'nobody') places.push({ key: 'nobody', limit: callsOfNobody, what: 'calls' });
    else if (sendsStream) places.push({ key: `${key} uploads`, limit: uploadsPerIdentity, what: 'uploads' });
    const full = places.find((place) => (this.#underWay.get(place.key) ?? 0) >= place.limit);
    if (full !== undefined) {
      throw tooMuch(
        `${who} has ${full.limit} ${full.what} under way, which is as many as it may`,
        'let some of them end first',
      );
    }
    for (const place of places) this.#add(place.key, 1);
    return {
      [Symbol.dispose]: () => {
        for (const place of places.splice(0)) this.#add(place.key, -1);
      },
    };
  }

  #shareOf(caller: Caller, network: string): Share {
    const { callsOfNobodyPerNetwork, callsPerIdentity, nobodyRate, operatorRate, peerRate } = this.#limits;
    const subject = callerSubject(caller);
    if (caller.kind === 'nobody') {
      const key = `${subject} ${network}`;
      return { key, who: `nobody known at ${network}`, rate: nobodyRate, calls: callsOfNobodyPerNetwork };
    }
    const rate = caller.kind === 'operator' ? operatorRate : peerRate;
    return { key: subject, who: subject, rate, calls: callsPerIdentity };
  }

  #add(key: string, change: number): void {
    const left = (this.#underWay.get(key) ?? 0) + change;
    if (left > 0) this.#underWay.set(key, left);
    else this.#underWay.delete(key);
  }
}

function tooMuch(message: string, hint: string): Refusal {
  return new Refusal('RATE_LIMITED', message, { hint });
}
