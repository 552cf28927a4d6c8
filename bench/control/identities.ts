import { createPublicKey } from 'node:crypto';
import { loadAuthority } from '../../src/hub/hub-credentials.ts';
import { LIFETIME_MS } from '../../src/trust/authority.ts';
import { readCertificate } from '../../src/trust/certificate.ts';
import { type Credentials, loadCredentials } from '../../src/trust/credentials.ts';
import { createPrivateKeyPem } from '../../src/trust/keys.ts';

/** The credentials of one site's agent. Goes from process to process in a message, never in arguments. */
export interface SiteIdentity {
  readonly storeId: string;
  readonly chainPem: string;
  readonly privateKeyPem: string;
  readonly fingerprint: string;
  readonly expiresAtMs: number;
}

/**
 * A key and a certificate of the hub's own authority for each store: what joining gives an agent, without
 * a token and two calls for each of a thousand.
 */
export async function issueIdentities(
  hubFolder: string,
  storeIds: readonly string[],
): Promise<readonly SiteIdentity[]> {
  const { caPem } = await loadCredentials(hubFolder);
  const authority = await loadAuthority(hubFolder, caPem);
  if (authority === undefined) throw new Error(`${hubFolder} holds no authority to issue certificates with`);
  const identities: SiteIdentity[] = [];
  for (const storeId of storeIds) {
    const privateKeyPem = createPrivateKeyPem();
    const publicKey = createPublicKey(privateKeyPem).export({ type: 'spki', format: 'der' });
    const chainPem = await authority.issue({ kind: 'store', storeId }, publicKey, {
      lifetimeMs: LIFETIME_MS.store,
    });
    const { fingerprint, notAfterMs: expiresAtMs } = readCertificate(chainPem);
    identities.push({ storeId, chainPem, privateKeyPem, fingerprint, expiresAtMs });
  }
  return identities;
}

/** As an agent has it in memory. */
export function credentialsOf({ chainPem, privateKeyPem }: SiteIdentity, caPem: string): Credentials {
  return { caPem, chainPem, privateKeyPem, certificate: readCertificate(chainPem) };
}
