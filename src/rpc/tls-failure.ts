import { Refusal } from '../domain/refusal.ts';

/** How a channel's own check of the server's certificate begins its error (channel.ts). */
export const WRONG_IDENTITY = 'the certificate is that of ';

interface Failure {
  /** In what grpc-js tells of the connection: words of Node and OpenSSL. */
  readonly words: RegExp;
  /** What is wrong, `PEER` being who was called. */
  readonly sentence: string;
  readonly hint: string;
}

const NEW_CERTIFICATE =
  'the certificate of the credentials may have expired, been revoked, or be of another cloud: `entrepot operator issue NAME` makes a new one, for an agent `entrepot store add` and `entrepot agent join`';

/** The first that fits. */
const FAILURES: readonly Failure[] = [
  {
    words: /certificate has expired/,
    sentence: 'the certificate of PEER has expired',
    hint: 'is the clock of this machine right? Otherwise the other side needs a new certificate',
  },
  {
    words: /certificate is not yet valid/,
    sentence: 'the certificate of PEER is not valid yet',
    hint: 'do the clocks of both machines agree?',
  },
  {
    words: /unsuitable certificate purpose/,
    sentence: 'the certificate of PEER is not one to serve with',
    hint: 'is the address right? An operator has no servers',
  },
  {
    words:
      /self-signed certificate|unable to (verify|get)[a-z ]* (certificate|CRL)|certificate signature failure|certificate chain too long|invalid CA certificate/,
    sentence: 'the certificate of PEER was not signed by an authority of these credentials',
    hint: 'is the address right, and is ca.pem that of this cloud?',
  },
  {
    words: /alert certificate required/,
    sentence: 'PEER wants to see a certificate, and these credentials have none',
    hint: 'use credentials with a certificate: an API token is for the hub only',
  },
  {
    words:
      /alert (bad certificate|unknown ca|certificate|unsupported certificate|access denied|decrypt error)/,
    sentence: 'PEER does not accept the certificate it was shown',
    hint: NEW_CERTIFICATE,
  },
  {
    // In TLS 1.3 a client is through before the server has looked at its certificate; Node's server
    // then closes the connection without a word.
    words: /Last error: Failed to connect \(/,
    sentence: 'PEER closed the connection when it had seen the certificate it was shown',
    hint: NEW_CERTIFICATE,
  },
  {
    words: /wrong version number|packet length too long|http request/,
    sentence: 'PEER does not speak TLS',
    hint: 'is it the port for gRPC?',
  },
  {
    words: /alert protocol version|unsupported protocol/,
    sentence: 'PEER does not speak TLS 1.3',
    hint: 'is it a port of entrepot?',
  },
  {
    words: /no application protocol/,
    sentence: 'PEER does not speak gRPC',
    hint: 'is it the port for gRPC? HTTP has one of its own',
  },
  {
    words: /SSL routines:/,
    sentence: 'PEER and this side do not agree on TLS',
    hint: 'is it the port for gRPC, and does nothing stand between?',
  },
];

/** What went wrong in TLS, by what grpc-js tells of a connection that was not made. Undefined when it was not TLS. */
export function tlsRefusal(details: string, peer: string, cause: unknown): Refusal | undefined {
  const stranger = new RegExp(`${WRONG_IDENTITY}(.+?);`).exec(details)?.[1];
  if (stranger !== undefined) {
    return new Refusal('UNAUTHENTICATED', `the certificate of ${peer} is that of ${stranger}`, {
      hint: 'is the address right?',
      cause,
    });
  }
  const failure = FAILURES.find(({ words }) => words.test(details));
  if (failure === undefined) return undefined;
  const { sentence, hint } = failure;
  return new Refusal(
    'UNAUTHENTICATED',
    sentence.replace('PEER', () => peer),
    { hint, cause },
  );
}
