import { createHash } from 'node:crypto';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { CertificatesConfig } from '../config/hub-config.ts';
import type { Credential, JoinToken } from '../domain/credential.ts';
import { Refusal } from '../domain/refusal.ts';
import { requireRoom, surplusCertificates } from '../domain/rules/credentials.ts';
import { type Caller, callerSubject } from '../domain/rules/rights.ts';
import { withFields } from '../telemetry/request-context.ts';
import { fingerprintOf, readBundle } from '../trust/certificate.ts';
import { type Identity, nameOf, subjectOf } from '../trust/identity.ts';
import { type Rate, RateLimit } from '../trust/rate-limit.ts';
import { publicKeyOfRequest } from '../trust/request.ts';
import { createApiToken, createJoinToken, parseJoinToken, tokenHash } from '../trust/secret-token.ts';
import type { HubCredentials } from './hub-credentials.ts';

/** What somebody gets who asked for a certificate. */
export interface Issued {
  readonly certificatePem: string;
  readonly authoritiesPem: string;
  readonly expiresAtMs: number;
  /** `store/dcn0`, `operator/alice` */
  readonly subject: string;
}

/** Credentials that one who asks may have issued: each is a row that stays until it has expired. */
const ISSUED: Rate = { perSecond: 1 / 300, burst: 100 };

/** An agent renews one and a half times in the life of a certificate; with some of the answers lost, more. */
const ISSUED_IN_A_LIFE = 3;

export interface EnrolmentParts {
  readonly catalogue: Catalogue;
  readonly credentials: HubCredentials;
  readonly lifetimes: CertificatesConfig;
  /** What a caller has shown, as it stands now. UNAUTHENTICATED when it is not good any more. */
  readonly credentialOf: (caller: Caller) => Credential;
  /** Told as soon as an agent has joined: whoever was the agent of this store has no certificate any more. */
  readonly onJoined: (storeId: string) => void;
  readonly now: () => number;
}

/**
 * How agents and operators get their credentials. What is issued is signed first and recorded second,
 * in the transaction that looks again whether it may be, and whether who asked still may ask, and given
 * out last: a crash between leaves a certificate nobody has.
 */
export class Enrolment {
  readonly #parts: EnrolmentParts;
  readonly #limit = new RateLimit();

  constructor(parts: EnrolmentParts) {
    this.#parts = parts;
  }

  /**
   * A token for the agent of a store, in place of those it had; undefined where certificates come from
   * elsewhere. In a transaction.
   */
  createJoinToken(storeId: string, expiresAtMs: number): string | undefined {
    const { catalogue, credentials } = this.#parts;
    catalogue.joinTokens.voidOf(storeId);
    if (!credentials.issues) return undefined;
    const token = createJoinToken(storeId, this.#authorityFingerprint());
    catalogue.joinTokens.add({ hash: tokenHash(token), storeId, expiresAtMs });
    return token;
  }

  /**
   * Makes the holder of a join token the agent of its store: certificates the store had are void, and a
   * store that was revoked is let in again. The same token and key get a certificate again while the
   * token lives, so that a lost answer costs nothing. UNAUTHENTICATED when the token is not good,
   * INVALID when it is none, RATE_LIMITED when it is used too often.
   */
  async join(token: string, request: Buffer): Promise<Issued> {
    const { catalogue, credentials, lifetimes } = this.#parts;
    credentials.requireIssues('an agent');
    const hash = tokenHash(token);
    const { storeId } = this.#requireToken(token, hash, undefined);
    const publicKey = await publicKeyOfRequest(request);
    const keyHash = createHash('sha256').update(publicKey).digest('hex');
    this.#requireToken(token, hash, keyHash);
    this.#requireRate(`store/${storeId}`, lifetimes.agentLifetimeMs, `join ${hash}`);
    const identity: Identity = { kind: 'store', storeId };
    const issued = await credentials.issue(identity, publicKey, lifetimes.agentLifetimeMs);
    const subject = subjectOf(identity);
    withFields({ caller: subject }, () =>
      catalogue.transact(() => {
        // Another call may have come first while the certificate was being signed.
        this.#requireToken(token, hash, keyHash);
        catalogue.joinTokens.use(hash, keyHash);
        catalogue.credentials.revokeAll(subject);
        this.#record(subject, issued.certificate.fingerprint, issued.certificate.notAfterMs);
        catalogue.stores.admit(storeId);
      }),
    );
    this.#parts.onJoined(storeId);
    return this.#issued(issued.pem, issued.certificate.notAfterMs, subject);
  }

  /**
   * Another certificate for a store's agent or an operator, at the request of `caller`; those it has stay
   * good until they end, or, of an agent, until there are too many newer ones. Refusals as of
   * `issueToken`.
   */
  async certify(caller: Caller, identity: Identity, request: Buffer): Promise<Issued> {
    const { catalogue, credentials, lifetimes } = this.#parts;
    this.#requireCertificate(caller);
    credentials.requireIssues(nameOf(identity));
    const lifetimeMs = identity.kind === 'store' ? lifetimes.agentLifetimeMs : lifetimes.operatorLifetimeMs;
    this.#requireRate(callerSubject(caller), lifetimeMs);
    const publicKey = await publicKeyOfRequest(request);
    const issued = await credentials.issue(identity, publicKey, lifetimeMs);
    const subject = subjectOf(identity);
    catalogue.transact(() => {
      // Who asked may have been revoked, or have lost its place to another agent, in the meantime.
      const shown = this.#requireCertificate(caller);
      this.#requireStanding(identity);
      if (identity.kind === 'operator') requireRoom(identity.name, catalogue.credentials.goodOf(subject));
      this.#record(subject, issued.certificate.fingerprint, issued.certificate.notAfterMs);
      if (identity.kind !== 'store') return;
      const surplus = surplusCertificates(catalogue.credentials.goodOf(subject), shown.hash);
      for (const { id } of surplus) catalogue.credentials.revoke(id);
    });
    return this.#issued(issued.pem, issued.certificate.notAfterMs, subject);
  }

  /**
   * An API token of an operator, at the request of `caller`. FORBIDDEN when that showed an API token
   * itself, UNAUTHENTICATED when what it showed is not good any more, RATE_LIMITED when it asks too
   * often; NOT_FOUND or CONFLICT when the operator gets no credentials any more, or has too many.
   */
  issueToken(
    caller: Caller,
    name: string,
    lifetimeMs: number,
  ): { readonly token: string; readonly credential: Credential } {
    const { catalogue, lifetimes, now } = this.#parts;
    const identity: Identity = { kind: 'operator', name };
    const subject = subjectOf(identity);
    this.#requireCertificate(caller);
    this.#requireRate(callerSubject(caller), lifetimes.operatorLifetimeMs);
    const token = createApiToken();
    const credential = catalogue.transact(() => {
      this.#requireStanding(identity);
      requireRoom(name, catalogue.credentials.goodOf(subject));
      return catalogue.credentials.add({
        kind: 'token',
        subject,
        hash: tokenHash(token),
        expiresAtMs: now() + lifetimeMs,
      });
    });
    return { token, credential };
  }

  /** An API token must not live on in what was made with it: only a certificate gets others. */
  #requireCertificate(caller: Caller): Credential {
    const shown = this.#parts.credentialOf(caller);
    if (shown.kind === 'certificate') return shown;
    throw new Refusal(
      'FORBIDDEN',
      `${callerSubject(caller)} showed an API token, and with one no credentials are issued`,
      { hint: 'use the certificate of an operator: --credentials FOLDER, of one that holds an identity.pem' },
    );
  }

  /** `key`: by what it is counted. An agent that was replaced must not use up what the one after it has. */
  #requireRate(who: string, lifetimeMs: number, key = who): void {
    const perSecond = Math.max(ISSUED.perSecond, ISSUED_IN_A_LIFE / (lifetimeMs / 1000));
    if (this.#limit.take(key, { ...ISSUED, perSecond })) return;
    throw new Refusal('RATE_LIMITED', `${who} has had too many credentials issued of late`, {
      hint: `wait: in the long run it may have one every ${Math.ceil(1 / perSecond)} s; those that are there may be used again`,
    });
  }

  #requireToken(text: string, hash: string, keyHash: string | undefined): JoinToken {
    const { catalogue, now } = this.#parts;
    const { storeId, authorityFingerprint } = parseJoinToken(text);
    const store = catalogue.stores.find(storeId);
    const bad = (why: string) =>
      new Refusal('UNAUTHENTICATED', `the join token of store ${storeId} ${why}`, {
        hint: `\`entrepot store add ${storeId}\` prints a new one`,
        // A forged token may name anything.
        storeId: store?.id,
      });
    if (authorityFingerprint !== this.#authorityFingerprint()) throw bad('is of another cloud');
    const token = catalogue.joinTokens.findByHash(hash);
    if (token === undefined) throw bad('was not made by this hub');
    if (token.voidedAtMs !== undefined || store === undefined) throw bad('was withdrawn');
    if (now() > token.expiresAtMs) throw bad('has expired');
    if (token.usedByKey !== undefined && keyHash !== undefined && token.usedByKey !== keyHash) {
      throw bad('was used already');
    }
    return token;
  }

  /** NOT_FOUND or CONFLICT when it is not one that gets credentials any more. */
  #requireStanding(identity: Identity): void {
    const { catalogue } = this.#parts;
    if (identity.kind === 'store' && catalogue.stores.get(identity.storeId).revoked) {
      throw new Refusal('CONFLICT', `store ${identity.storeId} was revoked`, {
        hint: `\`entrepot store add ${identity.storeId}\` gives its agent a token to join with again`,
      });
    }
    if (identity.kind === 'operator' && catalogue.operators.get(identity.name).revokedAtMs !== undefined) {
      throw new Refusal('CONFLICT', `operator ${identity.name} was revoked`, {
        hint: `\`entrepot operator add ${identity.name} --role ROLE\` lets it in again`,
      });
    }
  }

  #record(subject: string, hash: string, expiresAtMs: number): void {
    this.#parts.catalogue.credentials.add({ kind: 'certificate', subject, hash, expiresAtMs });
  }

  #issued(certificatePem: string, expiresAtMs: number, subject: string): Issued {
    return { certificatePem, authoritiesPem: this.#parts.credentials.current.caPem, expiresAtMs, subject };
  }

  /** Of the authority that issues: the first. */
  #authorityFingerprint(): string {
    const [first] = readBundle(this.#parts.credentials.current.caPem);
    return first === undefined ? '' : fingerprintOf(first);
  }
}
