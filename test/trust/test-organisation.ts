import { generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { type Credentials, parseCredentials } from '../../src/trust/credentials.ts';
import { type Identity, uriOf } from '../../src/trust/identity.ts';
import * as x509 from '../../src/trust/x509.ts';

const HOUR_MS = 3_600_000;
const { keyCertSign, digitalSignature, cRLSign } = x509.KeyUsageFlags;

/** Keys of one kind: a new one each time, or one for all where making one takes seconds. */
export type Keys = () => { readonly privateKey: KeyObject; readonly publicKey: KeyObject };

export const EC_KEYS: Keys = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

/** All of them are the same one. */
export function rsaKeys(modulusLength: number): Keys {
  const pair = generateKeyPairSync('rsa', { modulusLength });
  return () => pair;
}

export interface BelowOptions {
  /** False: it is none, whatever it signs. */
  readonly isAuthority?: boolean;
  /** False: it is one for other things than to sign certificates. */
  readonly maySign?: boolean;
  readonly endsAtMs?: number;
  readonly extensions?: readonly x509.Extension[];
}

/**
 * An authority as organisations have them, with others below it. `pem` is what it shows of itself and
 * those above it up to the root, which is left out.
 */
export class TestOrganisation {
  /** The root of all. */
  readonly rootPem: string;
  /** Of this one. */
  readonly ownPem: string;
  readonly #name: string;
  readonly #keys: Keys;
  readonly #own: ReturnType<Keys>;
  readonly #above: string;

  private constructor(
    name: string,
    keys: Keys,
    own: ReturnType<Keys>,
    pems: { readonly own: string; readonly above: string; readonly root: string },
  ) {
    this.#name = name;
    this.#keys = keys;
    this.#own = own;
    this.ownPem = pems.own;
    this.#above = pems.above;
    this.rootPem = pems.root;
  }

  static async create(name = 'an organisation', keys = EC_KEYS): Promise<TestOrganisation> {
    const own = keys();
    const pem = await sign({
      subject: name,
      publicKey: own.publicKey,
      issuer: name,
      issuerKey: own.privateKey,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    });
    return new TestOrganisation(name, keys, own, { own: pem, above: '', root: pem });
  }

  /** One that this one has signed. */
  async below(name: string, options: BelowOptions = {}): Promise<TestOrganisation> {
    const { isAuthority = true, maySign = true, endsAtMs, extensions = [] } = options;
    const own = this.#keys();
    const pem = await this.#issue(name, own.publicKey, endsAtMs, [
      new x509.BasicConstraintsExtension(isAuthority, undefined, true),
      new x509.KeyUsagesExtension(maySign ? keyCertSign | cRLSign : digitalSignature, true),
      ...extensions,
    ]);
    return new TestOrganisation(name, this.#keys, own, {
      own: pem,
      above: `${pem}${this.#above}`,
      root: this.rootPem,
    });
  }

  /** A new key with its certificate and those between it and `caPem`, which is the root when left out. */
  async credentials(identity: Identity, caPem = this.rootPem): Promise<Credentials> {
    const { privateKey, publicKey } = this.#keys();
    const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
    const pem = await this.#issue(uriOf(identity), publicKey, undefined, [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uriOf(identity) }]),
    ]);
    const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return parseCredentials(caPem, `${privateKeyPem}${pem}${this.#above}`);
  }

  #issue(
    subject: string,
    publicKey: KeyObject,
    endsAtMs: number | undefined,
    extensions: readonly x509.Extension[],
  ): Promise<string> {
    const issuer = { issuer: this.#name, issuerKey: this.#own.privateKey };
    return sign({ subject, publicKey, ...issuer, endsAtMs, extensions });
  }
}

interface Signing {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly issuer: string;
  readonly issuerKey: KeyObject;
  readonly endsAtMs?: number | undefined;
  readonly extensions: readonly x509.Extension[];
}

async function sign({
  subject,
  publicKey,
  issuer,
  issuerKey,
  endsAtMs,
  extensions,
}: Signing): Promise<string> {
  const [public_, signing] = [await webKey(publicKey, 'verify'), await webKey(issuerKey, 'sign')];
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [subject] }],
    issuer: [{ CN: [issuer] }],
    notBefore: new Date(Date.now() - 24 * HOUR_MS),
    notAfter: new Date(endsAtMs ?? Date.now() + 24 * HOUR_MS),
    signingAlgorithm: algorithmOf(issuerKey),
    publicKey: public_,
    signingKey: signing,
    extensions: [...extensions],
  });
  return `${certificate.toString('pem')}\n`;
}

function algorithmOf(key: KeyObject) {
  return key.asymmetricKeyType === 'rsa'
    ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    : { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
}

function webKey(key: KeyObject, use: 'sign' | 'verify'): Promise<webcrypto.CryptoKey> {
  const der = key.export({ type: use === 'sign' ? 'pkcs8' : 'spki', format: 'der' } as never) as Buffer;
  return webcrypto.subtle.importKey(use === 'sign' ? 'pkcs8' : 'spki', der, algorithmOf(key), true, [use]);
}
