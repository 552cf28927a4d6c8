import { type KeyObject, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseUuid } from '../../domain/ids.ts';
import { Refusal } from '../../domain/refusal.ts';
import { type ImageSignature, KEY_TYPES } from './image-signature.ts';

const SUFFIXES = ['.pem', '.crt'];
/** A certificate has some kilobytes. */
const MAX_FILE_BYTES = 1024 * 1024;
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The certificates whose signatures count, by the UUID that an image names.
 * A folder: `<uuid>.pem` or `<uuid>.crt`, the UUID in lower case, one certificate (PEM) in each.
 * A single PEM file: its one certificate is taken for every UUID.
 * Read anew each time, so that one that is put there, or taken away, counts at once.
 */
export class CertificateFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** NOT_FOUND when there is none for it; INVALID when `uuid` is no UUID, or the file no certificate or not to be read. */
  async find(uuid: string): Promise<X509Certificate> {
    const id = parseUuid(uuid, 'img_signature_certificate_uuid');
    const isFolder = (await this.#stat(this.#path))?.isDirectory();
    if (isFolder === undefined) throw this.#absent(id);
    const paths = isFolder ? SUFFIXES.map((suffix) => join(this.#path, id + suffix)) : [this.#path];
    for (const path of paths) {
      const found = await this.#stat(path);
      if (found === undefined) continue;
      if (!found.isFile() || found.size > MAX_FILE_BYTES) throw unfit(path);
      return parse(path, await this.#attempt(path, () => readFile(path, 'utf8')));
    }
    throw this.#absent(id);
  }

  async #stat(path: string) {
    return await this.#attempt(path, () => stat(path)).catch((error: unknown) => {
      const { code } = ((error as Refusal).cause ?? {}) as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw error;
    });
  }

  async #attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw new Refusal('INVALID', `cannot read ${path}: ${(cause as Error).message}`, {
        hint: 'the user that checks signatures must be able to read it',
        cause,
      });
    }
  }

  #absent(id: string): Refusal {
    return new Refusal('NOT_FOUND', `there is no certificate ${id} in ${this.#path}`, {
      hint: `put the signer's certificate there as ${id}.pem, if you trust it`,
    });
  }
}

/**
 * The certificate's key, for checking a signature. INVALID when the certificate is not valid at the time `now`,
 * or its key is not of the kind, and on the curve, that the signature names.
 */
export function keyFor(
  { keyType, certificateId }: Pick<ImageSignature, 'keyType' | 'certificateId'>,
  certificate: X509Certificate,
  now: Date,
): KeyObject {
  const { validFromDate, validToDate } = certificate;
  if (now < validFromDate || now > validToDate) {
    const period = `from ${validFromDate.toISOString()} to ${validToDate.toISOString()}`;
    throw new Refusal('INVALID', `certificate ${certificateId} is valid ${period}, not now`, {
      hint: 'sign the image with a key whose certificate is valid',
    });
  }
  const publicKey = publicKeyOf(certificate, certificateId);
  const found = kindOf(publicKey);
  const isRsa = keyType === 'RSA-PSS' && (found === 'rsa' || found === 'rsa-pss');
  if (isRsa || found === (KEY_TYPES[keyType] ?? keyType.toLowerCase())) return publicKey;
  throw new Refusal('INVALID', `the key of certificate ${certificateId} is ${found}, not ${keyType}`, {
    hint: 'set img_signature_key_type to what the key is, or name another certificate',
  });
}

function publicKeyOf(certificate: X509Certificate, certificateId: string): KeyObject {
  try {
    return certificate.publicKey;
  } catch (cause) {
    throw new Refusal('INVALID', `the key of certificate ${certificateId} cannot be read`, { cause });
  }
}

/** The curve of a key on one, else the kind of key. */
function kindOf(key: KeyObject): string {
  const { asymmetricKeyType: kind, asymmetricKeyDetails: details } = key;
  return kind === 'ec' ? (details?.namedCurve ?? 'on a curve without a name') : (kind ?? 'of no known kind');
}

function parse(path: string, text: string): X509Certificate {
  const [pem, ...more] = text.match(PEM) ?? [];
  if (pem === undefined || more.length > 0) throw unfit(path);
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw unfit(path, cause);
  }
}

function unfit(path: string, cause?: unknown): Refusal {
  return new Refusal('INVALID', `${path} is not a file with one certificate in it`, {
    hint: 'one certificate, in PEM, and not the authority that issued it; of several, each in a file of its own',
    cause,
  });
}
