import { constants, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateFolder } from '../../../../src/image/signature/certificates.ts';
import { SignatureCheck } from '../../../../src/image/signature/check.ts';
import { KEY_TYPES, signatureOf } from '../../../../src/image/signature/image-signature.ts';
import { BY_CRYPTOGRAPHY, BY_OPENSSL, DATA } from './made-elsewhere.ts';
import { certificateOf } from './test-certificate.ts';

const ID = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
const IMAGE = Buffer.alloc(3 * 1024 * 1024 + 17);
IMAGE.write('data', 0);
IMAGE.write('more', IMAGE.length - 4);

type Pair = ReturnType<typeof makePair>;

function makePair(keyType: string): { publicKey: KeyObject; privateKey: KeyObject } {
  const curve = KEY_TYPES[keyType as keyof typeof KEY_TYPES];
  if (curve !== undefined) return generateKeyPairSync('ec', { namedCurve: curve });
  if (keyType === 'DSA') return generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 });
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

const pairs: Record<string, Pair> = {};
beforeAll(() => {
  for (const keyType of Object.keys(KEY_TYPES)) pairs[keyType] = makePair(keyType);
});

function pairOf(keyType: string): Pair {
  const pair = pairs[keyType];
  if (pair === undefined) throw new Error(`no key ${keyType}`);
  return pair;
}

/** The four properties of an image signed by that key. */
function signed(keyType: string, hashMethod = 'SHA-256', data = IMAGE): Record<string, string> {
  const { privateKey } = pairOf(keyType);
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_MAX_SIGN };
  const options = keyType === 'RSA-PSS' ? { key: privateKey, ...pss } : { key: privateKey };
  return properties(keyType, hashMethod, sign(hashMethod.replace('-', ''), data, options).toString('base64'));
}

function properties(keyType: string, hashMethod: string, signature: string): Record<string, string> {
  return {
    os_distro: 'debian',
    img_signature: signature,
    img_signature_hash_method: hashMethod,
    img_signature_key_type: keyType,
    img_signature_certificate_uuid: ID,
  };
}

async function check(given: Record<string, string>, pem: string, data = IMAGE, now = new Date()) {
  const signature = signatureOf(given);
  if (signature === undefined) throw new Error('there is no signature');
  await using checking = new SignatureCheck(signature, new X509Certificate(pem), now);
  // As an ingest does: data, a hole, data; nobody waits in between.
  const middle = data.subarray(5, -5);
  void checking.update(data.subarray(0, 5));
  await (middle.every((byte) => byte === 0) ? checking.skip(middle.length) : checking.update(middle));
  void checking.update(data.subarray(-5));
  await checking.verify();
}

const pemOf = (keyType: string) => certificateOf(pairOf(keyType).publicKey);

describe('an image signature', () => {
  it.each(
    Object.keys(KEY_TYPES).flatMap((keyType) =>
      ['SHA-224', 'SHA-256', 'SHA-384', 'SHA-512'].map((hash) => [keyType, hash] as const),
    ),
  )('by %s over %s is verified, and refused over one other bit', async (keyType, hash) => {
    const given = signed(keyType, hash);
    await check(given, pemOf(keyType));
    const other = Buffer.from(IMAGE);
    other[2] = (other[2] ?? 0) ^ 1;
    await expect(check(given, pemOf(keyType), other)).rejects.toMatchObject({ code: 'INVALID' });
  });

  it('made by others with their tools is verified', async () => {
    const rsa = properties('RSA-PSS', 'SHA-256', BY_CRYPTOGRAPHY.signature);
    const ecc = properties('ECC_SECT409K1', 'SHA-512', BY_OPENSSL.signature);
    await check(rsa, BY_CRYPTOGRAPHY.certificate, DATA);
    await check(ecc, BY_OPENSSL.certificate, DATA);
    await expect(check(rsa, BY_CRYPTOGRAPHY.certificate)).rejects.toMatchObject({ code: 'INVALID' });
    await expect(check(ecc, BY_OPENSSL.certificate)).rejects.toMatchObject({ code: 'INVALID' });
  });

  it.each(Object.keys(KEY_TYPES))(
    'by another key of type %s, or that is none, is refused',
    async (keyType) => {
      const stranger = certificateOf(makePair(keyType).publicKey);
      await expect(check(signed(keyType), stranger)).rejects.toMatchObject({ code: 'INVALID' });
      const none = properties(keyType, 'SHA-256', Buffer.from('no signature').toString('base64'));
      await expect(check(none, pemOf(keyType))).rejects.toMatchObject({ code: 'INVALID' });
      const otherHash = { ...signed(keyType, 'SHA-256'), img_signature_hash_method: 'SHA-512' };
      await expect(check(otherHash, pemOf(keyType))).rejects.toMatchObject({ code: 'INVALID' });
      // Nothing of a failure is left to harm what comes next.
      await check(signed(keyType), pemOf(keyType));
    },
  );

  it('in the padding of old (PKCS #1 v1.5) is refused', async () => {
    const old = sign('SHA256', IMAGE, pairOf('RSA-PSS').privateKey).toString('base64');
    const given = properties('RSA-PSS', 'SHA-256', old);
    await expect(check(given, pemOf('RSA-PSS'))).rejects.toMatchObject({ code: 'INVALID' });
  });

  it('of a kind or a curve that the certificate is not is refused', async () => {
    const kinds = Object.keys(KEY_TYPES);
    for (const [n, keyType] of kinds.entries()) {
      const other = kinds[(n + 1) % kinds.length] ?? '';
      const error = expect(check(signed(keyType), pemOf(other))).rejects;
      await error.toMatchObject({ code: 'INVALID', message: expect.stringContaining(`not ${keyType}`) });
    }
  });

  it('by a key for PSS alone is verified, but not with a digest that the key is not for', async () => {
    const hashes = { hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256' };
    const { publicKey, privateKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048, ...hashes });
    const given = properties('RSA-PSS', 'SHA-256', sign('SHA256', IMAGE, privateKey).toString('base64'));
    const pem = certificateOf(publicKey);
    await check(given, pem);
    const other = { ...given, img_signature_hash_method: 'SHA-512' };
    await expect(check(other, pem)).rejects.toMatchObject({ code: 'INVALID' });
  });

  it('counts while its certificate is valid', async () => {
    const [from, to] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-02-01T00:00:00Z')];
    const pem = certificateOf(pairOf('DSA').publicKey, from, to);
    await check(signed('DSA'), pem, IMAGE, from);
    await check(signed('DSA'), pem, IMAGE, to);
    for (const time of [from.getTime() - 1000, to.getTime() + 1000]) {
      const error = expect(check(signed('DSA'), pem, IMAGE, new Date(time))).rejects;
      await error.toMatchObject({ code: 'INVALID', message: expect.stringContaining('2026-02-01') });
    }
  });

  it('is there with all of its properties, or not at all', () => {
    expect(signatureOf({ os_distro: 'debian' })).toBeUndefined();
    const given = signed('DSA');
    for (const name of Object.keys(given).filter((key) => key !== 'os_distro')) {
      const { [name]: _left, ...rest } = given;
      for (const lacking of [rest, { ...rest, [name]: '' }]) {
        expect(() => signatureOf(lacking)).toThrow(
          expect.objectContaining({ code: 'INVALID', message: `the image is signed, but lacks ${name}` }),
        );
      }
    }
  });

  it.each([
    ['img_signature', '!!!!'],
    ['img_signature', 'abc'],
    ['img_signature', 'a==='],
    ['img_signature_hash_method', 'MD5'],
    ['img_signature_hash_method', 'toString'],
    ['img_signature_key_type', 'RSA'],
    ['img_signature_key_type', 'ECC_SECP256R1'],
  ])('with %s of %s is refused', (name, value) => {
    expect(() => signatureOf({ ...signed('DSA'), [name]: value })).toThrow(
      expect.objectContaining({ code: 'INVALID', message: expect.stringContaining(name) }),
    );
  });

  it('may be broken into lines', () => {
    const given = signed('RSA-PSS');
    const lines = given['img_signature']?.replaceAll(/.{64}/g, '$&\n');
    expect(signatureOf({ ...given, img_signature: `${lines}\n` })).toEqual(signatureOf(given));
  });
});

describe('certificates', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'entrepot-signers-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('are found in a folder by their UUID, as soon as they are there', async () => {
    const signers = new CertificateFolder(folder);
    const error = expect(signers.find(ID)).rejects;
    await error.toMatchObject({ code: 'NOT_FOUND', hint: expect.stringContaining(`${ID}.pem`) });
    await writeFile(join(folder, `${ID}.crt`), pemOf('DSA'));
    expect((await signers.find(ID.toUpperCase())).publicKey.asymmetricKeyType).toBe('dsa');
    await writeFile(join(folder, `${ID}.pem`), `signer of images\n${pemOf('RSA-PSS')}`);
    expect((await signers.find(ID)).publicKey.asymmetricKeyType).toBe('rsa');
    await expect(new CertificateFolder(join(folder, 'none')).find(ID)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('are not looked for outside the folder', async () => {
    await mkdir(join(folder, 'inner'), { recursive: true });
    const signers = new CertificateFolder(join(folder, 'inner'));
    for (const id of [`../${ID}`, '', '*', `${ID}\0`]) {
      await expect(signers.find(id)).rejects.toMatchObject({ code: 'INVALID' });
    }
  });

  it('may be one file, for every UUID', async () => {
    const path = join(folder, 'signer.pem');
    await writeFile(path, pemOf('ECC_SECP384R1'));
    const found = await new CertificateFolder(path).find(ID);
    expect(found.publicKey.asymmetricKeyDetails?.namedCurve).toBe('secp384r1');
  });

  it.each([
    ['nothing', ''],
    ['garbage', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    ['two certificates', BY_CRYPTOGRAPHY.certificate + BY_OPENSSL.certificate],
  ])('are refused with %s in their file', async (_what, text) => {
    const path = join(folder, 'bad.pem');
    await writeFile(path, text);
    await expect(new CertificateFolder(path).find(ID)).rejects.toMatchObject({ code: 'INVALID' });
  });
});
