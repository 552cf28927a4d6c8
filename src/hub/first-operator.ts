import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { Refusal } from '../domain/refusal.ts';
import { fingerprintOf, pathToAuthority, readBundle, readCertificate } from '../trust/certificate.ts';
import {
  CA_FILE,
  type Credentials,
  IDENTITY_FILE,
  parseCredentials,
  TOKEN_FILE,
} from '../trust/credentials.ts';
import { makeSecretFolder } from '../trust/files.ts';
import { type Identity, isSameIdentity, nameOf, subjectOf, uriOf } from '../trust/identity.ts';
import { createPrivateKeyPem } from '../trust/keys.ts';
import type { HubCredentials } from './hub-credentials.ts';
import type { InitFiles } from './init.ts';

export interface FirstOperatorParts {
  readonly name: string;
  readonly folder: string;
  readonly files: InitFiles;
  readonly now: () => number;
}

/** A certificate, as the catalogue keeps it. */
interface Shown {
  readonly hash: string;
  readonly expiresAtMs: number;
}

/** An admin who is made at the hub itself, by whoever has its files. */
export class FirstOperator {
  readonly #parts: FirstOperatorParts;
  readonly #identity: Identity;

  constructor(parts: FirstOperatorParts) {
    this.#parts = parts;
    this.#identity = { kind: 'operator', name: parts.name };
  }

  /** CONFLICT when the folder holds credentials: of a cloud that is not there yet they cannot be. */
  async requireEmptyFolder(): Promise<void> {
    for (const name of [CA_FILE, IDENTITY_FILE, TOKEN_FILE]) {
      if ((await this.#read(name)) !== undefined) throw this.#taken('credentials of another cloud');
    }
  }

  /**
   * Makes the operator and its certificate, or what is missing of them: the files first, then what the
   * catalogue knows of them. NOT_FOUND where the hub issues none and the folder has none: a token would
   * not do, as with one nobody makes credentials.
   */
  async enrol(catalogue: Catalogue, credentials: HubCredentials, lifetimeMs: number): Promise<void> {
    const { folder, files, name } = this.#parts;
    this.#requireAdmin(catalogue);
    const { caPem } = credentials.current;
    const known = await this.#read(CA_FILE);
    if (known !== undefined && authorityOf(known) !== authorityOf(caPem)) {
      throw this.#taken('credentials of another cloud');
    }
    const found = await this.#found(caPem);
    if (found !== undefined) this.#requireGood(catalogue, found);
    else if (!credentials.issues) throw this.#notBrought();
    await makeSecretFolder(folder);
    if (known === undefined) await files.writePublic(join(folder, CA_FILE), caPem);
    const shown = found ?? (await this.#make(credentials, lifetimeMs));
    catalogue.transact(() => {
      if (catalogue.operators.find(name) === undefined) catalogue.operators.add(name, 'admin');
      if (catalogue.credentials.findByHash(shown.hash) !== undefined) return;
      catalogue.credentials.add({ kind: 'certificate', ...shown, subject: subjectOf(this.#identity) });
    });
  }

  /** What the folder holds already. */
  async #found(caPem: string): Promise<Shown | undefined> {
    if ((await this.#read(TOKEN_FILE)) !== undefined) throw this.#taken('an API token');
    const identityPem = await this.#read(IDENTITY_FILE);
    if (identityPem === undefined) return undefined;
    const found = parseCredentials(caPem, identityPem, join(this.#parts.folder, IDENTITY_FILE));
    const { identity, fingerprint, notAfterMs } = found.certificate;
    if (!isSameIdentity(identity, this.#identity)) throw this.#taken(`credentials of ${nameOf(identity)}`);
    this.#requireBelieved(found);
    return { hash: fingerprint, expiresAtMs: notAfterMs };
  }

  async #make(credentials: HubCredentials, lifetimeMs: number): Promise<Shown> {
    const { folder, files } = this.#parts;
    const privateKeyPem = createPrivateKeyPem();
    const publicKey = createPublicKey(privateKeyPem).export({ type: 'spki', format: 'der' });
    const { pem } = await credentials.issue(this.#identity, publicKey, lifetimeMs);
    await files.writeSecret(join(folder, IDENTITY_FILE), `${privateKeyPem}${pem}`);
    const { fingerprint, notAfterMs } = readCertificate(pem);
    return { hash: fingerprint, expiresAtMs: notAfterMs };
  }

  /** CONFLICT when there is an operator of this name who is not, or no more, an admin. */
  #requireAdmin(catalogue: Catalogue): void {
    const { name } = this.#parts;
    const known = catalogue.operators.find(name);
    if (known === undefined || (known.role === 'admin' && known.revokedAtMs === undefined)) return;
    const what = known.revokedAtMs === undefined ? `is ${known.role}, not admin` : 'was revoked';
    throw new Refusal('CONFLICT', `operator ${name} ${what}`, { hint: 'take another name with --operator' });
  }

  /** CONFLICT when what the folder holds would be refused. */
  #requireGood(catalogue: Catalogue, { hash, expiresAtMs }: Shown): void {
    const known = catalogue.credentials.findByHash(hash);
    if (known !== undefined && known.subject !== subjectOf(this.#identity)) {
      throw this.#taken(`credentials of ${known.subject.replace('/', ' ')}`);
    }
    if (known?.revokedAtMs !== undefined) throw this.#taken('credentials that were revoked');
    if (this.#parts.now() > (known?.expiresAtMs ?? expiresAtMs)) {
      throw this.#taken('credentials that have expired');
    }
  }

  #notBrought(): Refusal {
    const { folder, name } = this.#parts;
    return new Refusal(
      'NOT_FOUND',
      `${join(folder, IDENTITY_FILE)}: there is no certificate of operator ${name}`,
      {
        hint: `the authority of your organisation makes one for ${uriOf(this.#identity)}, as docs/certificates.md tells; then run this again`,
      },
    );
  }

  #requireBelieved({ caPem, chainPem, certificate }: Credentials): void {
    // One that expired is refused by `requireGood`, in other words.
    const atMs = Math.min(this.#parts.now(), certificate.notAfterMs);
    if (pathToAuthority(readBundle(chainPem), readBundle(caPem), atMs) !== undefined) return;
    throw this.#taken('credentials of another cloud, or without the certificates between them and ca.pem');
  }

  /** Undefined when it is not there. */
  async #read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.#parts.folder, name), 'utf8');
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw new Refusal('INVALID', `${join(this.#parts.folder, name)}: cannot be read (${String(code)})`, {
        hint: 'name another folder with --operator-credentials',
        cause: error,
      });
    }
  }

  #taken(what: string): Refusal {
    return new Refusal('CONFLICT', `${this.#parts.folder} holds ${what}: nothing is overwritten`, {
      hint: 'move them away, or name another folder with --operator-credentials',
    });
  }
}

/** The first authority of a bundle is the one that issues: its fingerprint. */
function authorityOf(caPem: string): string {
  const [first] = readBundle(caPem);
  return first === undefined ? '' : fingerprintOf(first);
}
