import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Credential } from '../domain/credential.ts';
import { Refusal } from '../domain/refusal.ts';
import { type Caller, callerSubject } from '../domain/rules/rights.ts';
import type { Presented } from '../rpc/caller.ts';
import type { Certificate } from '../trust/certificate.ts';
import { subjectOf } from '../trust/identity.ts';
import { isApiToken, tokenHash } from '../trust/secret-token.ts';

/**
 * Who a caller is, from what was shown and what the catalogue says of it now: a credential that is
 * revoked, and a store or operator that is, is refused with the next call.
 */
export class Authenticator {
  readonly #catalogue: Catalogue;
  readonly #now: () => number;
  /** What the callers of calls under way showed, by its hash. */
  readonly #shown = new WeakMap<Caller, string>();

  constructor(catalogue: Catalogue, now: () => number) {
    this.#catalogue = catalogue;
    this.#now = now;
  }

  /** UNAUTHENTICATED when what was shown is not good, or not any more. */
  readonly authenticate = ({ certificate, bearer }: Presented): Caller => {
    if (certificate !== undefined && bearer !== undefined) {
      throw new Refusal('UNAUTHENTICATED', 'the caller showed both a certificate and a token', {
        hint: 'show one of them',
      });
    }
    if (bearer !== undefined) return this.#byToken(bearer);
    return certificate === undefined ? { kind: 'nobody' } : this.#byCertificate(certificate);
  };

  /**
   * What a caller, as `authenticate` returned it, has shown, judged once more: UNAUTHENTICATED when it,
   * or whom it speaks for, is not good any more. To be asked in the transaction of what took time.
   */
  readonly credentialOf = (caller: Caller): Credential => {
    const hash = this.#shown.get(caller);
    const credential = hash === undefined ? undefined : this.#catalogue.credentials.findByHash(hash);
    if (credential === undefined) {
      throw new Refusal('UNAUTHENTICATED', `${callerSubject(caller)} has no credential that is remembered`, {
        hint: 'use the credentials of an operator: --credentials FOLDER, or ENTREPOT_CREDENTIALS',
      });
    }
    if (caller.kind === 'store') this.#storeOf(caller.storeId);
    if (caller.kind === 'operator') this.#operatorOf(caller.name);
    this.#requireGood(credential);
    return credential;
  };

  #byToken(text: string): Caller {
    const token = isApiToken(text) ? this.#catalogue.credentials.findByHash(tokenHash(text)) : undefined;
    if (token?.kind !== 'token') {
      throw new Refusal('UNAUTHENTICATED', 'the API token is not one of this hub', {
        hint: 'an admin makes one: `entrepot operator issue NAME --api-token`',
      });
    }
    const operator = this.#operatorOf(token.subject.slice('operator/'.length));
    this.#requireGood(token);
    this.#shown.set(operator, token.hash);
    return operator;
  }

  #byCertificate(certificate: Certificate): Caller {
    const { identity, fingerprint, notBeforeMs, notAfterMs } = certificate;
    if (identity.kind === 'hub') return { kind: 'hub' };
    const subject = subjectOf(identity);
    const caller: Caller =
      identity.kind === 'store' ? this.#storeOf(identity.storeId) : this.#operatorOf(identity.name);
    const known = this.#catalogue.credentials.findByHash(fingerprint);
    const credential =
      known ??
      this.#catalogue.transact(() =>
        this.#catalogue.credentials.see({ subject, hash: fingerprint, notBeforeMs, expiresAtMs: notAfterMs }),
      );
    this.#requireGood(credential);
    this.#shown.set(caller, fingerprint);
    return caller;
  }

  #storeOf(storeId: string): Caller {
    const store = this.#catalogue.stores.find(storeId);
    const hint = `\`entrepot store add ${storeId}\` gives its agent a token to join with`;
    if (store === undefined) {
      throw new Refusal('UNAUTHENTICATED', `store ${storeId} is not one of this cloud`, { hint });
    }
    if (store.revoked) throw new Refusal('UNAUTHENTICATED', `store ${storeId} was revoked`, { hint });
    return { kind: 'store', storeId };
  }

  #operatorOf(name: string): Caller {
    const operator = this.#catalogue.operators.find(name);
    if (operator !== undefined && operator.revokedAtMs === undefined) {
      return { kind: 'operator', name, role: operator.role };
    }
    const why = operator === undefined ? 'is not known to this hub' : 'was revoked';
    throw new Refusal('UNAUTHENTICATED', `operator ${name} ${why}`, {
      hint: `an admin adds operators: \`entrepot operator add ${name} --role ROLE\``,
    });
  }

  /** TLS looked at the times too, when the connection was made: it may be weeks old. */
  #requireGood({ id, kind, revokedAtMs, expiresAtMs, subject }: Credential): void {
    const name = subject.split('/')[1] ?? '';
    const what =
      kind === 'token'
        ? `the API token ${id} of ${subject}`
        : `the certificate of ${subject.replace('/', ' ')}`;
    const hint = subject.startsWith('store/')
      ? `\`entrepot store add ${name}\` gives its agent a token to join with again`
      : `an admin makes new ones: \`entrepot operator issue ${name}\``;
    if (revokedAtMs !== undefined) throw new Refusal('UNAUTHENTICATED', `${what} was revoked`, { hint });
    if (this.#now() > expiresAtMs) {
      const on = new Date(expiresAtMs).toISOString();
      throw new Refusal('UNAUTHENTICATED', `${what} expired at ${on}`, { hint });
    }
  }
}
