import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { Refusal } from '../domain/refusal.ts';
import { type Caller, callerSubject, NOBODY, requireRight } from '../domain/rules/rights.ts';
import type { Authenticate } from '../trust/caller.ts';
import { networkOf, type Rate, RateLimit } from '../trust/rate-limit.ts';
import { bearerIn, requireGood, type Shown, shownBy } from '../trust/tls.ts';

/** What may be left open: is it alive and ready; what are its figures. */
export type OpenPaths = 'health' | 'metrics';

/** Requests of one identity, or of one network where nobody says who he is: scrapes and probes come every few seconds. */
const REQUEST_RATE: Rate = { perSecond: 20, burst: 100 };

const PATHS: Readonly<Record<string, OpenPaths>> = {
  '/healthz': 'health',
  '/readyz': 'health',
  '/metrics': 'metrics',
};

export interface GateSettings {
  readonly open: readonly OpenPaths[];
  /** Nobody is known when left out. */
  readonly authenticate?: Authenticate | undefined;
}

/** Where every request comes through, also one for a path that is not there. */
export class Gate {
  readonly #settings: GateSettings;
  readonly #rates = new RateLimit();
  /** What TLS found of a connection, read once. */
  readonly #shown = new WeakMap<object, Shown>();

  constructor(settings: GateSettings) {
    this.#settings = settings;
  }

  /** Who asks. UNAUTHENTICATED when that must be known and is not; RATE_LIMITED when it asks too often. */
  admit(request: IncomingMessage): Caller {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const paths = PATHS[path];
    const isOpen = paths !== undefined && this.#settings.open.includes(paths);
    const network = networkOf(request.socket.remoteAddress ?? '');
    if (isOpen) {
      this.#count(network);
      return NOBODY;
    }
    const caller = this.#identify(request, network);
    this.#count(caller.kind === 'nobody' ? network : callerSubject(caller));
    requireRight(caller, 'known', `${request.method} ${path}`);
    return caller;
  }

  #identify(request: IncomingMessage, network: string): Caller {
    const { authenticate } = this.#settings;
    if (authenticate === undefined) return NOBODY;
    const { remoteAddress, remotePort } = request.socket;
    try {
      return authenticate({
        certificate: requireGood(this.#shownBy(request), Date.now()),
        bearer: bearerIn(request.headers.authorization),
        peer: `${remoteAddress}:${remotePort}`,
      });
    } catch (error) {
      this.#count(network);
      throw error;
    }
  }

  #shownBy({ socket }: IncomingMessage): Shown {
    const known = this.#shown.get(socket);
    if (known !== undefined) return known;
    const shown = 'encrypted' in socket ? shownBy(socket as TLSSocket) : { certificate: undefined };
    this.#shown.set(socket, shown);
    return shown;
  }

  #count(key: string): void {
    if (this.#rates.take(key, REQUEST_RATE)) return;
    throw new Refusal(
      'RATE_LIMITED',
      `${key} asks too often: ${REQUEST_RATE.perSecond} times a second are answered`,
      {
        hint: 'ask less often',
      },
    );
  }
}
