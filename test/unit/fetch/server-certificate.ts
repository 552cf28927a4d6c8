import { Authority } from '../../../src/trust/authority.ts';
import { ALGORITHM, createPrivateKeyPem, webKeysOf } from '../../../src/trust/keys.ts';
import * as x509 from '../../../src/trust/x509.ts';

const HOUR_MS = 3_600_000;

/** What an HTTPS server shows, and whom to trust for it. */
export interface ServerTls {
  readonly caPem: string;
  readonly cert: string;
  readonly key: string;
}

let authorities = 0;

/** A certificate for the names, of an authority of its own. */
export async function serverTls(
  names: readonly string[],
  endsAtMs = Date.now() + HOUR_MS,
): Promise<ServerTls> {
  const authority = await Authority.create(`organisation ${++authorities}`);
  const issuer = new x509.X509Certificate(authority.certificatePem);
  const signingKey = (await webKeysOf(authority.privateKeyPem)).privateKey;
  const key = createPrivateKeyPem();
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: ['a server'] }],
    issuer: issuer.subject,
    notBefore: new Date(Date.now() - 2 * HOUR_MS),
    notAfter: new Date(endsAtMs),
    signingAlgorithm: ALGORITHM,
    publicKey: (await webKeysOf(key)).publicKey,
    signingKey,
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: /^[\d.]+$/.test(value) ? ('ip' as const) : ('dns' as const), value })),
      ),
    ],
  });
  return { caPem: authority.certificatePem, cert: certificate.toString('pem'), key };
}
