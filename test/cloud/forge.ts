import { createPublicKey } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Authority, IssueOptions } from '../../src/trust/authority.ts';
import { CA_FILE, type Credentials, IDENTITY_FILE, parseCredentials } from '../../src/trust/credentials.ts';
import { writePublic, writeSecret } from '../../src/trust/files.ts';
import type { Identity } from '../../src/trust/identity.ts';
import { createPrivateKeyPem } from '../../src/trust/keys.ts';

/** What somebody who has the authority's key could make: a certificate for anybody, at any time. */
export async function issueBy(
  authority: Authority,
  identity: Identity,
  options: IssueOptions = {},
): Promise<Credentials> {
  const privateKeyPem = createPrivateKeyPem();
  const publicKey = createPublicKey(privateKeyPem).export({ type: 'spki', format: 'der' });
  const chainPem = await authority.issue(identity, publicKey, options);
  return parseCredentials(authority.certificatePem, `${privateKeyPem}${chainPem}`);
}

/** As a credentials folder. */
export async function saveIn(folder: string, { caPem, chainPem, privateKeyPem }: Credentials): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await writePublic(join(folder, CA_FILE), caPem);
  await writeSecret(join(folder, IDENTITY_FILE), `${privateKeyPem}${chainPem}`);
}
