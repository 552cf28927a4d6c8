import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../domain/refusal.ts';
import { callUnary } from '../rpc/calls.ts';
import { controlChannel } from '../rpc/channel.ts';
import { Enrolment } from '../rpc/proto.ts';
import { IDENTITY_FILE, parseCredentials, readSecret } from '../trust/credentials.ts';
import { makeSecretFolder, writeSecret } from '../trust/files.ts';
import { HUB, type Identity, isSameIdentity, nameOf } from '../trust/identity.ts';
import { createPrivateKeyPem, readPrivateKey } from '../trust/keys.ts';
import { createRequest } from '../trust/request.ts';
import { parseJoinToken, tokenHash } from '../trust/secret-token.ts';
import { credentialsOf, saveCredentials } from './enrolment.ts';
import { fetchAuthority } from './hub-chain.ts';

export interface JoinOptions {
  /** `host:port` of the hub. */
  readonly hub: string;
  /** As `entrepot store add` printed it. */
  readonly token: string;
  /** The credentials folder of the agent; made when it is not there. */
  readonly folder: string;
  /** Milliseconds since the epoch; tests move it. */
  readonly nowMs?: number | undefined;
}

export interface Joined {
  readonly storeId: string;
  readonly folder: string;
  /** Of the certificate; the agent renews it by itself. */
  readonly expiresAtMs: number;
}

/**
 * Makes this machine's folder that of a store's agent: a key made here, a certificate from the hub.
 * Interrupted at any point, it can be done again with the same token: the key is kept until the
 * certificate is, and the hub issues again for the same key.
 *
 * INVALID when the token is none; CONFLICT when the folder holds another identity; UNAUTHENTICATED when
 * the hub is not the one the token is from, or does not take it; UNAVAILABLE when it cannot be reached.
 */
export async function joinAgent(options: JoinOptions): Promise<Joined> {
  const { hub, token, folder, nowMs = Date.now() } = options;
  const { storeId, authorityFingerprint } = parseJoinToken(token);
  const identity: Identity = { kind: 'store', storeId };
  await makeSecretFolder(folder);
  await requireOwnOrNone(folder, identity);
  const privateKeyPem = await keyFor(folder, token);
  const caPem = await fetchAuthority(hub, authorityFingerprint);
  await using channel = controlChannel({ address: hub, peer: 'hub', credentials: { caPem }, expect: HUB });
  const issued = await callUnary(channel, Enrolment.Join, {
    token,
    certificateRequest: await createRequest(privateKeyPem),
  });
  const credentials = credentialsOf(privateKeyPem, issued, identity, nowMs);
  await saveCredentials(folder, credentials);
  await forgetKeys(folder);
  return { storeId, folder, expiresAtMs: credentials.certificate.notAfterMs };
}

/** CONFLICT when somebody else lives here: an agent of another store, an operator, the hub. */
async function requireOwnOrNone(folder: string, identity: Identity): Promise<void> {
  const file = join(folder, IDENTITY_FILE);
  let pem: string;
  try {
    pem = await readSecret(file);
  } catch (error) {
    if (error instanceof Refusal && error.code === 'NOT_FOUND') return;
    throw error;
  }
  // No use is made of the authorities here.
  const { identity: found } = parseCredentials('', pem, file).certificate;
  if (isSameIdentity(found, identity)) return;
  throw new Refusal(
    'CONFLICT',
    `${folder} holds the identity of ${nameOf(found)}, the token is for ${nameOf(identity)}`,
    {
      hint: 'use a credentials folder of its own for each agent',
    },
  );
}

/*
 * The key of a join that has not ended: join-<hash of the token>.key. So the same token goes with the
 * same key, and another token never gets a key that was in use before.
 */
const KEY_FILE = /^join-[0-9a-f]{64}\.key$/;

async function keyFor(folder: string, token: string): Promise<string> {
  const file = join(folder, `join-${tokenHash(token)}.key`);
  try {
    const kept = await readSecret(file);
    readPrivateKey(kept);
    return kept;
  } catch (error) {
    if (!(error instanceof Refusal && error.code === 'NOT_FOUND')) throw error;
  }
  const made = createPrivateKeyPem();
  await writeSecret(file, made);
  return made;
}

async function forgetKeys(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (KEY_FILE.test(name)) await rm(join(folder, name));
}
