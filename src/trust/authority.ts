import { randomBytes, webcrypto } from 'node:crypto';
import { Refusal } from '../domain/refusal.ts';
import { BACKDATE_MS, readBundle } from './certificate.ts';
import { type Identity, uriOf } from './identity.ts';
import { ALGORITHM, createPrivateKeyPem, webKeysOf } from './keys.ts';
import * as x509 from './x509.ts';

const DAY_MS = 86_400_000;

/** Nobody renews it: it outlives the hardware it was made on. */
const AUTHORITY_LIFETIME_MS = 3650 * DAY_MS;

/** A certificate lives for so long from its issue, by whom it is for. */
export const LIFETIME_MS: Readonly<Record<Identity['kind'], number>> = {
  hub: 365 * DAY_MS,
  store: 30 * DAY_MS,
  operator: 90 * DAY_MS,
};

export interface AuthorityFiles {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface IssueOptions {
  /** LIFETIME_MS when left out. */
  readonly lifetimeMs?: number | undefined;
  /** The moment of issue, milliseconds since the epoch; tests move it. */
  readonly nowMs?: number | undefined;
}

/** A private certificate authority: one key, one certificate, no intermediates, no I/O. */
export class Authority {
  readonly certificatePem: string;
  readonly #certificate: x509.X509Certificate;
  readonly #privateKey: webcrypto.CryptoKey;

  private constructor(certificatePem: string, privateKey: webcrypto.CryptoKey) {
    this.certificatePem = certificatePem;
    this.#certificate = new x509.X509Certificate(certificatePem);
    this.#privateKey = privateKey;
  }

  /** A new one, as files to be kept. `name` is for people who look at the certificate. */
  static async create(name: string, nowMs = Date.now()): Promise<AuthorityFiles> {
    const privateKeyPem = createPrivateKeyPem();
    const keys = await webKeysOf(privateKeyPem);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: newSerialNumber(),
      name: [{ CN: [name] }],
      notBefore: new Date(nowMs - BACKDATE_MS),
      notAfter: new Date(nowMs + AUTHORITY_LIFETIME_MS),
      signingAlgorithm: ALGORITHM,
      keys: keys,
      extensions: [
        // No authority below it, so that a leaf can never sign.
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return { certificatePem: certificate.toString('pem'), privateKeyPem };
  }

  /** INVALID when the key is not that of the certificate's first authority. */
  static async open({ certificatePem, privateKeyPem }: AuthorityFiles): Promise<Authority> {
    const [first] = readBundle(certificatePem);
    const keys = await webKeysOf(privateKeyPem);
    const own = await webcrypto.subtle.exportKey('spki', keys.publicKey);
    const named = first?.publicKey.export({ type: 'spki', format: 'der' });
    if (named === undefined || !named.equals(Buffer.from(own))) {
      throw new Refusal('INVALID', 'the key of the authority does not belong to its certificate');
    }
    return new Authority(first?.toString() ?? '', keys.privateKey);
  }

  /**
   * A certificate for whoever holds the private key of `publicKey` (SPKI, DER). Hubs and stores serve
   * and call; operators only call.
   */
  async issue(identity: Identity, publicKey: Buffer, options: IssueOptions = {}): Promise<string> {
    const { nowMs = Date.now(), lifetimeMs = LIFETIME_MS[identity.kind] } = options;
    const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: newSerialNumber(),
      subject: [{ CN: [uriOf(identity).slice('spiffe://'.length)] }],
      issuer: this.#certificate.subject,
      notBefore: new Date(nowMs - BACKDATE_MS),
      notAfter: new Date(nowMs + lifetimeMs),
      signingAlgorithm: ALGORITHM,
      publicKey: await importPublicKey(publicKey),
      signingKey: this.#privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension(
          identity.kind === 'operator' ? [clientAuth] : [serverAuth, clientAuth],
        ),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uriOf(identity) }]),
      ],
    });
    return certificate.toString('pem');
  }
}

async function importPublicKey(spki: Buffer): Promise<webcrypto.CryptoKey> {
  try {
    return await webcrypto.subtle.importKey('spki', spki, ALGORITHM, true, ['verify']);
  } catch (error) {
    throw new Refusal('INVALID', 'the public key is not an ECDSA key on P-256', { cause: error });
  }
}

/** 127 random bits: positive, and never the same twice (RFC 5280, 4.1.2.2). */
function newSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes.readUInt8(0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
