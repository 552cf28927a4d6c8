import { setTimeout as delay } from 'node:timers/promises';
import { Refusal } from '../domain/refusal.ts';
import type { Log } from '../telemetry/log.ts';
import { renewAtMs } from '../trust/certificate.ts';
import { createPrivateKeyPem } from '../trust/keys.ts';
import type { Backoff, BackoffLimits } from './backoff.ts';
import { credentialsOf, type Issued, requireWritable } from './enrolment.ts';
import { fieldsOf, type OwnCredentials } from './own-credentials.ts';

/** A clock that is set, or a machine that slept, is noticed within this time. */
const LOOK_INTERVAL_MS = 3_600_000;

/** A third of the life is left when it begins, ten days as a rule: it soon comes down to once an hour. */
export const RENEWAL_RETRY: BackoffLimits = { minMs: 1000, maxMs: 3_600_000 };

/** The less life is left, the sooner it is tried again: every so many parts of it, but not in a storm. */
const TRIES_IN_REST = 10;
const LAST_TRIES_MS = 500;

export interface RenewalParts {
  readonly credentials: OwnCredentials;
  /** Has the hub issue a certificate for a request (PKCS#10, DER). Rejects with a Refusal. */
  readonly ask: (certificateRequest: Buffer) => Promise<Issued>;
  readonly log: Log;
  readonly backoff: Backoff;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Settles after so many milliseconds; may reject when `signal` aborts. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Renews the certificate when two thirds of its life are over, with a new key each time. A hub that is
 * away is asked again until the certificate has expired; then only joining anew helps, and is waited for.
 */
export class Renewal {
  readonly #parts: RenewalParts;
  readonly #wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Ends the wait for what the credentials were, when somebody else changes them. */
  #wake = new AbortController();
  #isReplacing = false;

  constructor(parts: RenewalParts) {
    this.#parts = parts;
    parts.credentials.onChange(() => {
      if (!this.#isReplacing) this.#wake.abort();
    });
    this.#wait = parts.wait ?? ((ms, signal) => delay(ms, undefined, { signal }));
  }

  /** Settles soon after `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const either = AbortSignal.any([signal, this.#wake.signal]);
      const waitMs = await this.#look();
      await this.#wait(waitMs, either).catch(() => undefined);
      // Somebody may have had the agent join anew.
      if (!signal.aborted) await this.#parts.credentials.reload(this.#parts.log);
    }
  }

  /** Renews when it is time to; after how many milliseconds to look again. Never rejects. */
  async #look(): Promise<number> {
    const { credentials, log, backoff, now } = this.#parts;
    const { certificate } = credentials.current;
    try {
      if (this.#dueInMs() <= 0) {
        if (now() > certificate.notAfterMs) return backoff.slow();
        await this.#renew();
      }
      const dueInMs = this.#dueInMs();
      // Due again at once: the clocks of hub and agent are far apart.
      if (dueInMs <= 0) return backoff.next();
      backoff.reset();
      return Math.min(dueInMs, LOOK_INTERVAL_MS);
    } catch (error) {
      const { code, message, hint } = Refusal.from(error);
      log.warn(
        { code, hint, ...fieldsOf(certificate) },
        `certificate not renewed, will try again: ${message}`,
      );
      const restMs = certificate.notAfterMs - now();
      return Math.min(backoff.next(), Math.max(restMs / TRIES_IN_REST, LAST_TRIES_MS));
    }
  }

  #dueInMs(): number {
    return renewAtMs(this.#parts.credentials.current.certificate) - this.#parts.now();
  }

  async #renew(): Promise<void> {
    const { credentials, ask, log, now } = this.#parts;
    await requireWritable(credentials.folder);
    const { createRequest } = await import('../trust/request.ts');
    const privateKeyPem = createPrivateKeyPem();
    const issued = await ask(await createRequest(privateKeyPem));
    const renewed = credentialsOf(privateKeyPem, issued, credentials.identity, now());
    this.#isReplacing = true;
    try {
      await credentials.replace(renewed);
    } finally {
      this.#isReplacing = false;
    }
    log.info(fieldsOf(renewed.certificate), 'certificate renewed');
  }
}
