import type { Credential } from '../credential.ts';
import { Refusal } from '../refusal.ts';

/** Credentials of one operator that are good at the same time: its machines, its programs, and some to spare. */
export const OPERATOR_CREDENTIALS_MAX = 32;

/** Certificates of one agent that are good at the same time: it uses one, and answers with others may be lost. */
export const STORE_CERTIFICATES_MAX = 4;

/** CONFLICT when an operator who has these good credentials gets no other. */
export function requireRoom(name: string, good: readonly Credential[]): void {
  if (good.length < OPERATOR_CREDENTIALS_MAX) return;
  throw new Refusal('CONFLICT', `operator ${name} has ${good.length} credentials that are good`, {
    hint: `\`entrepot operator list\` shows them, \`entrepot operator revoke ${name} --credential ID\` takes one away`,
  });
}

/**
 * Which of an agent's good certificates, oldest first, are to be revoked because there are newer ones.
 * Never the one that was shown to get the newest: whose answers are lost would be left without any.
 */
export function surplusCertificates(good: readonly Credential[], shownHash: string): Credential[] {
  const others = good.filter(({ hash }) => hash !== shownHash);
  return others.slice(0, Math.max(0, others.length - (STORE_CERTIFICATES_MAX - 1)));
}
