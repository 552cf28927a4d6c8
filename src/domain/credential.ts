export const CREDENTIAL_KINDS = ['certificate', 'token'] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

/** Something somebody shows to be known: a certificate, or an API token. The secret itself is kept nowhere. */
export interface Credential {
  /** The first 16 digits of the hash: who holds a fingerprint finds it by that. */
  readonly id: string;
  readonly kind: CredentialKind;
  /** Whom it speaks for: `store/dcn0`, `operator/alice`. */
  readonly subject: string;
  /** SHA-256, 64 hex digits: of the certificate (DER), or of the token's text. */
  readonly hash: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly revokedAtMs: number | undefined;
}

/** What lets an agent become the agent of a store, once. Kept as its hash alone. */
export interface JoinToken {
  /** SHA-256 of the token's text, 64 hex digits. */
  readonly hash: string;
  readonly storeId: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** With `usedByKey`: when and with which key it was first used; the same key may use it again. */
  readonly usedAtMs: number | undefined;
  /** SHA-256 of the public key, 64 hex digits. */
  readonly usedByKey: string | undefined;
  /** Set: it was withdrawn, used or not. */
  readonly voidedAtMs: number | undefined;
}
