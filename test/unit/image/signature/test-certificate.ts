import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** The smallest X.509 certificate (version 1) of any public key, by an issuer that is nobody. In PEM. */
export function certificateOf(
  key: KeyObject,
  notBefore = new Date(Date.now() - 3_600_000),
  notAfter = new Date(Date.now() + 3_600_000),
): string {
  const issuer = generateKeyPairSync('ed25519').privateKey;
  const algorithm = sequence(Buffer.from('06032b6570', 'hex'));
  const name = sequence(
    tagged(0x31, sequence(Buffer.from('0603550403', 'hex'), tagged(0x0c, Buffer.from('signer')))),
  );
  const body = sequence(
    tagged(0x02, Buffer.from([1])),
    algorithm,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    key.export({ type: 'spki', format: 'der' }),
  );
  const signature = tagged(0x03, Buffer.concat([Buffer.from([0]), sign(null, body, issuer)]));
  const base64 = sequence(body, algorithm, signature).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** GeneralizedTime */
function time(date: Date): Buffer {
  const text = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return tagged(0x18, Buffer.from(text));
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

/** One value in DER. */
function tagged(tag: number, content: Buffer): Buffer {
  const length = content.length;
  const head =
    length < 128
      ? [tag, length]
      : length < 256
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), content]);
}
