import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../domain/refusal.ts';
import { pathToAuthority, readBundle } from '../trust/certificate.ts';
import { CA_FILE, type Credentials, IDENTITY_FILE, parseCredentials } from '../trust/credentials.ts';
import { writePublic, writeSecret } from '../trust/files.ts';
import { type Identity, isSameIdentity, nameOf } from '../trust/identity.ts';

/** What the hub answers to a request for a certificate. */
export interface Issued {
  /** In PEM. */
  readonly certificate: string;
  /** In PEM: whom to believe from now on. */
  readonly authorities: string;
}

/**
 * What was issued for a key, as credentials. CORRUPT when it is of no use for `identity`: kept all the
 * same, it would lock the agent out.
 */
export function credentialsOf(
  privateKeyPem: string,
  { certificate, authorities }: Issued,
  identity: Identity,
  nowMs: number,
): Credentials {
  const unusable = (why: string, cause?: unknown) =>
    new Refusal('CORRUPT', `the hub issued a certificate that cannot be used: ${why}`, {
      hint: 'do the clocks of hub and agent agree, and do both run versions of entrepot that go together?',
      cause,
    });
  let credentials: Credentials;
  let isSigned: boolean;
  try {
    credentials = parseCredentials(authorities, `${privateKeyPem}${certificate}`);
    const chain = readBundle(credentials.chainPem);
    isSigned = pathToAuthority(chain, readBundle(authorities), nowMs) !== undefined;
  } catch (error) {
    throw unusable(Refusal.from(error).message, error);
  }
  if (!isSigned)
    throw unusable('none of the authorities that came with it signed it, or it is not valid now');
  const { identity: named } = credentials.certificate;
  if (!isSameIdentity(named, identity)) throw unusable(`it is that of ${nameOf(named)}`);
  return credentials;
}

/**
 * Keeps them in a credentials folder. The authorities go first: a key and certificate that are there
 * are believed by those beside them, wherever this is interrupted.
 */
export async function saveCredentials(folder: string, credentials: Credentials): Promise<void> {
  const { caPem, privateKeyPem, chainPem } = credentials;
  await writePublic(join(folder, CA_FILE), caPem);
  await writeSecret(join(folder, IDENTITY_FILE), `${privateKeyPem}${chainPem}`);
}

/** FORBIDDEN when nothing can be kept in the folder: then there is no use in asking for a certificate. */
export async function requireWritable(folder: string): Promise<void> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Refusal('FORBIDDEN', `no certificate can be kept in ${folder}`, {
      hint: 'the credentials folder of an agent must be one that it may write to',
      cause: error,
    });
  }
}
