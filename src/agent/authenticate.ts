import { Refusal } from '../domain/refusal.ts';
import type { Authenticate } from '../trust/caller.ts';

/**
 * Who calls an agent. All it has to go by is certificates: roles and API tokens are in the hub's
 * catalogue, so an operator is nobody here but one who may look. That a store was cut off counts where
 * tickets are shown.
 */
export const authenticate: Authenticate = ({ certificate, bearer }) => {
  if (bearer !== undefined) {
    throw new Refusal('UNAUTHENTICATED', 'an agent cannot check API tokens', {
      hint: 'use a certificate: `entrepot operator issue NAME` makes one',
    });
  }
  if (certificate === undefined) return { kind: 'nobody' };
  const { identity } = certificate;
  return identity.kind === 'operator' ? { ...identity, role: 'reader' } : identity;
};
