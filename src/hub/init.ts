import { createPublicKey } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Catalogue } from '../catalogue/catalogue.ts';
import type { HubConfig } from '../config/hub-config.ts';
import { Refusal } from '../domain/refusal.ts';
import { Authority } from '../trust/authority.ts';
import { CA_FILE, CA_KEY_FILE, IDENTITY_FILE } from '../trust/credentials.ts';
import { isMissing, makeSecretFolder, writePublic, writeSecret } from '../trust/files.ts';
import { HUB, parseOperatorName } from '../trust/identity.ts';
import { createPrivateKeyPem } from '../trust/keys.ts';
import { FirstOperator } from './first-operator.ts';
import { HubCredentials, loadAuthority } from './hub-credentials.ts';

/** For people who look at the certificate. */
const AUTHORITY_NAME = 'Entrepot';

export interface InitRequest {
  readonly config: HubConfig;
  /** The first operator, an admin. */
  readonly operatorName: string;
  /** Where its credentials go. */
  readonly operatorFolder: string;
}

/** How files are written: whole or not at all. */
export interface InitFiles {
  readonly writeSecret: (file: string, text: string) => Promise<void>;
  readonly writePublic: (file: string, text: string) => Promise<void>;
}

/**
 * Makes what a hub needs before its first start: an authority, the hub's certificate, the catalogue, and
 * the first operator with credentials. What is there is kept, never overwritten, so that the same command
 * finishes what a kill cut short; `made` names the files that are new. An operator it has not known comes
 * beside those it has: whoever can read the authority's key can let himself in anyway.
 *
 * CONFLICT when something is there that does not belong together; UNAVAILABLE while the hub runs.
 */
export async function initHub(
  request: InitRequest,
  files: InitFiles = { writeSecret, writePublic },
  now: () => number = Date.now,
): Promise<{ readonly made: readonly string[] }> {
  const { config, operatorFolder } = request;
  const operatorName = parseOperatorName(request.operatorName);
  const made: string[] = [];
  const noting: InitFiles = {
    writeSecret: async (file, text) => {
      await files.writeSecret(file, text);
      made.push(file);
    },
    writePublic: async (file, text) => {
      await files.writePublic(file, text);
      made.push(file);
    },
  };
  const state = await stateOf(config);
  requireConsistent(state, config);
  const operator = new FirstOperator({ name: operatorName, folder: operatorFolder, files: noting, now });
  // Nothing is made for an operator whose folder is somebody else's.
  if (!state.caPem) await operator.requireEmptyFolder();
  await makeSecretFolder(config.credentials);
  if (!state.caPem) await makeAuthority(config.credentials, noting, now());
  if (!state.identity) await makeIdentity(config.credentials, noting, now());
  const credentials = await HubCredentials.load(config.credentials, now);
  using catalogue = Catalogue.open(config.catalogue, now);
  await operator.enrol(catalogue, credentials, config.certificates.operatorLifetimeMs);
  return { made };
}

/** Which of the hub's own files are there. */
interface State {
  readonly caPem: boolean;
  readonly caKey: boolean;
  readonly identity: boolean;
  readonly catalogue: boolean;
}

async function stateOf({ credentials, catalogue }: HubConfig): Promise<State> {
  return {
    caPem: await isThere(join(credentials, CA_FILE)),
    caKey: await isThere(join(credentials, CA_KEY_FILE)),
    identity: await isThere(join(credentials, IDENTITY_FILE)),
    catalogue: await isThere(catalogue),
  };
}

/**
 * The order of writing is ca.key, ca.pem, identity.pem, the catalogue. A key alone is therefore one that
 * never signed anything, unless there is more beside it: then its certificate was lost.
 */
function requireConsistent({ caPem, caKey, identity, catalogue }: State, config: HubConfig): void {
  const folder = config.credentials;
  if (!caPem && (identity || (caKey && catalogue))) {
    throw new Refusal('CONFLICT', `${folder} holds keys, and ${CA_FILE} is gone`, {
      hint: `put it back: the same file lies in the credentials folder of every agent and operator`,
    });
  }
  if (caPem && !caKey && !identity) {
    throw new Refusal(
      'CONFLICT',
      `${folder} holds ${CA_FILE} without its key, and no certificate of the hub`,
      {
        hint: `with an authority of your own, put a key and a certificate for spiffe://entrepot/hub into ${join(folder, IDENTITY_FILE)}; otherwise put ${CA_KEY_FILE} back`,
      },
    );
  }
}

async function makeAuthority(folder: string, files: InitFiles, nowMs: number): Promise<void> {
  const { certificatePem, privateKeyPem } = await Authority.create(AUTHORITY_NAME, nowMs);
  await files.writeSecret(join(folder, CA_KEY_FILE), privateKeyPem);
  await files.writePublic(join(folder, CA_FILE), certificatePem);
}

async function makeIdentity(folder: string, files: InitFiles, nowMs: number): Promise<void> {
  const authority = await loadAuthority(folder, await readFile(join(folder, CA_FILE), 'utf8'));
  if (authority === undefined) throw new Refusal('INTERNAL', `${folder} lost its ${CA_KEY_FILE}`);
  const privateKeyPem = createPrivateKeyPem();
  const publicKey = createPublicKey(privateKeyPem).export({ type: 'spki', format: 'der' });
  const certificatePem = await authority.issue(HUB, publicKey, { nowMs });
  await files.writeSecret(join(folder, IDENTITY_FILE), `${privateKeyPem}${certificatePem}`);
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw new Refusal('INVALID', `${file}: cannot be looked at: ${Refusal.from(error).message}`, {
      hint: 'run this as the user the hub runs as',
      cause: error,
    });
  }
}
