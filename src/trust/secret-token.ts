import { createHash, randomBytes } from 'node:crypto';
import { isStoreId } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';

/** Bits nobody guesses, so that a plain hash at rest is enough. */
const SECRET_BYTES = 32;

/** The longest token has 244 characters. What is longer, anybody may have sent: nothing of it is looked at. */
const LENGTH_LIMIT = 512;

const JOIN_PREFIX = 'entrepot-join-';
const API_PREFIX = 'entrepot-api-';
const BASE64URL = /^[A-Za-z0-9_-]+$/;
const HEX_SHA256 = /^[0-9a-f]{64}$/;

/** What an agent needs to become the agent of a store, once. */
export interface JoinToken {
  readonly storeId: string;
  /** SHA-256 of the authority's certificate (DER), 64 hex digits: how the agent knows the hub. */
  readonly authorityFingerprint: string;
  /** 43 characters. */
  readonly secret: string;
}

/** A new token for a store, as the operator carries it: `entrepot-join-...`. Keep only `tokenHash` of it. */
export function createJoinToken(storeId: string, authorityFingerprint: string): string {
  const fields = [storeId, authorityFingerprint, newSecret()];
  return `${JOIN_PREFIX}${Buffer.from(fields.join(':')).toString('base64url')}`;
}

/** INVALID when it is not a join token. Says nothing of whether the hub takes it. */
export function parseJoinToken(text: string): JoinToken {
  requireLength(text);
  const body = text.startsWith(JOIN_PREFIX) ? text.slice(JOIN_PREFIX.length) : '';
  const [storeId = '', authorityFingerprint = '', secret = '', ...rest] = Buffer.from(body, 'base64url')
    .toString('utf8')
    .split(':');
  const sound =
    rest.length === 0 && isStoreId(storeId) && HEX_SHA256.test(authorityFingerprint) && isSecret(secret);
  if (sound) return { storeId, authorityFingerprint, secret };
  throw notAJoinToken();
}

/** A new API token: `entrepot-api-...`. Keep only `tokenHash` of it. */
export function createApiToken(): string {
  return `${API_PREFIX}${newSecret()}`;
}

export function isApiToken(text: string): boolean {
  return text.startsWith(API_PREFIX) && isSecret(text.slice(API_PREFIX.length));
}

/** How a token is kept: SHA-256 of its text, 64 hex digits. INVALID when it is too long to be one. */
export function tokenHash(token: string): string {
  requireLength(token);
  return createHash('sha256').update(token).digest('hex');
}

function requireLength(text: string): void {
  if (text.length > LENGTH_LIMIT) throw notAJoinToken();
}

function notAJoinToken(): Refusal {
  return new Refusal('INVALID', 'this is not a join token', {
    hint: '`entrepot store add` prints one; it begins with entrepot-join- and is one line',
  });
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

function isSecret(text: string): boolean {
  return text.length === 43 && BASE64URL.test(text);
}
