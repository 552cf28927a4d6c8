import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Credential } from '../domain/credential.ts';

/** Of the certificates of a store that are not revoked, the one that ends last. Undefined: it never joined. */
export function newestCertificate(catalogue: Catalogue, storeId: string): Credential | undefined {
  return catalogue.credentials
    .ofSubject(`store/${storeId}`)
    .filter((one) => one.kind === 'certificate' && one.revokedAtMs === undefined)
    .sort((one, other) => other.expiresAtMs - one.expiresAtMs)[0];
}

/** Whether the agent of a store may go on with a stream it began with a certificate that was good then. */
export function isInGoodStanding(catalogue: Catalogue, storeId: string, nowMs: number): boolean {
  const newest = newestCertificate(catalogue, storeId);
  return (
    catalogue.stores.find(storeId)?.revoked === false && newest !== undefined && nowMs <= newest.expiresAtMs
  );
}
