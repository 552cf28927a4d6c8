import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../domain/refusal.ts';
import { type Certificate, describe, readBundle } from './certificate.ts';
import { requirePrivate } from './files.ts';
import { readPrivateKey } from './keys.ts';
import { isApiToken } from './secret-token.ts';

/*
 * A credentials folder, the same for hub, agents and operators:
 *   ca.pem        the authorities whose certificates are believed
 *   identity.pem  a private key, its certificate and, where there are any, those between it and ca.pem, each
 *                 signed by the one that follows
 *   token         in place of identity.pem, for an operator: an API token
 *   ca.key        at a hub that issues certificates: the private key of the first certificate in ca.pem
 */
export const CA_FILE = 'ca.pem';
export const IDENTITY_FILE = 'identity.pem';
export const TOKEN_FILE = 'token';
export const CA_KEY_FILE = 'ca.key';

const PRIVATE_KEY =
  /-----BEGIN (?:EC )?PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END (?:EC )?PRIVATE KEY-----\n?/;

/** What one side of a TLS connection holds. */
export interface Credentials {
  readonly caPem: string;
  /** The certificate, and those between it and `caPem`, in that order. */
  readonly chainPem: string;
  readonly privateKeyPem: string;
  /** What the certificate says. */
  readonly certificate: Certificate;
}

/** How an operator shows who it is: a certificate or an API token. */
export type OperatorCredentials =
  | { readonly kind: 'certificate'; readonly caPem: string; readonly credentials: Credentials }
  | { readonly kind: 'token'; readonly caPem: string; readonly token: string };

/**
 * Reads ca.pem and identity.pem. NOT_FOUND when a file is missing, INVALID when one is not what it
 * should be or when others can read the private key.
 */
export async function loadCredentials(folder: string): Promise<Credentials> {
  const caPem = await loadAuthorities(folder);
  return parseCredentials(caPem, await readSecret(join(folder, IDENTITY_FILE)), join(folder, IDENTITY_FILE));
}

/** `identity.pem` taken apart. INVALID naming `file`. */
export function parseCredentials(caPem: string, identityPem: string, file = IDENTITY_FILE): Credentials {
  return naming(file, () => {
    const privateKeyPem = PRIVATE_KEY.exec(identityPem)?.[0] ?? '';
    const key = readPrivateKey(privateKeyPem);
    const chain = readBundle(identityPem);
    const leaf = chain[0];
    if (leaf === undefined || !leaf.checkPrivateKey(key)) {
      throw new Refusal('INVALID', 'the private key and the first certificate do not belong together');
    }
    const chainPem = chain.map((one) => one.toString()).join('');
    return { caPem, chainPem, privateKeyPem, certificate: describe(leaf) };
  });
}

/** What an operator's folder holds. Refusals as `loadCredentials`. */
export async function loadOperatorCredentials(folder: string): Promise<OperatorCredentials> {
  const caPem = await loadAuthorities(folder);
  const token = await readSecret(join(folder, TOKEN_FILE)).catch(undefinedIfMissing);
  if (token === undefined) return { kind: 'certificate', caPem, credentials: await loadCredentials(folder) };
  const text = token.trim();
  if (isApiToken(text)) return { kind: 'token', caPem, token: text };
  throw new Refusal('INVALID', `${join(folder, TOKEN_FILE)}: holds no API token`, {
    hint: '`entrepot operator issue NAME --api-token` makes one',
  });
}

/** Text of `ca.pem`, known to hold at least one authority. */
async function loadAuthorities(folder: string): Promise<string> {
  const file = join(folder, CA_FILE);
  const text = await readText(file);
  naming(file, () => {
    if (readBundle(text).some((certificate) => certificate.ca)) return;
    throw new Refusal('INVALID', 'none of its certificates is an authority');
  });
  return text;
}

/** NOT_FOUND when there is no such file; INVALID when others than its owner can read it. */
export async function readSecret(file: string): Promise<string> {
  const text = await readText(file);
  requirePrivate(file, (await stat(file)).mode);
  return text;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new Refusal('NOT_FOUND', `${file}: there is no such file`, { cause: error });
    }
    throw new Refusal('INVALID', `${file}: cannot be read (${String(code)})`, {
      hint: code === 'EACCES' ? 'is it owned by the user this runs as?' : undefined,
      cause: error,
    });
  }
}

function naming<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code, message, hint } = Refusal.from(error);
    throw new Refusal(code, `${file}: ${message}`, { hint });
  }
}

function undefinedIfMissing(error: unknown): undefined {
  if (error instanceof Refusal && error.code === 'NOT_FOUND') return undefined;
  throw error;
}
