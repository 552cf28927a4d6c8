import type { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { parseAddress } from '../config/address.ts';
import { Refusal } from '../domain/refusal.ts';
import { fingerprintOf } from '../trust/certificate.ts';

const HANDSHAKE_TIMEOUT_MS = 10_000;

/** A server may send what it likes: no chain of ours is longer. */
const CHAIN_LIMIT = 8;

/**
 * The authority of the hub at an address (PEM), known by the SHA-256 of its certificate. Nothing is
 * believed and nothing is said on this connection: a server that sends that certificate has not shown
 * that it was issued one by it, which is for the next connection. UNAUTHENTICATED when it sends none with
 * that fingerprint, UNAVAILABLE when it cannot be reached.
 */
export async function fetchAuthority(hubAddress: string, fingerprint: string): Promise<string> {
  for (const certificate of await chainSentBy(hubAddress)) {
    if (certificate.ca && fingerprintOf(certificate) === fingerprint) return certificate.toString();
  }
  throw new Refusal(
    'UNAUTHENTICATED',
    `hub at ${hubAddress} is not the one this token is from: its authority is another`,
    {
      hint: 'is the address right, and is the token from this hub? If both are, somebody is in between',
    },
  );
}

/** The server's certificate and those above it, as far as it sent them. */
async function chainSentBy(hubAddress: string): Promise<X509Certificate[]> {
  const address = parseAddress(hubAddress);
  if (address === undefined || address.port === 0) {
    throw new Refusal('INVALID', `'${hubAddress}' is no address of a hub`, {
      hint: 'as host:port, the port is 7440',
    });
  }
  const secured = Promise.withResolvers<void>();
  const socket = connect({
    ...address,
    ALPNProtocols: ['h2'],
    minVersion: 'TLSv1.3',
    rejectUnauthorized: false,
    timeout: HANDSHAKE_TIMEOUT_MS,
  });
  socket.once('secureConnect', () => secured.resolve());
  socket.once('timeout', () => secured.reject(unreachable(hubAddress, 'no answer in time')));
  socket.once('close', () => secured.reject(unreachable(hubAddress, 'it closed the connection')));
  socket.on('error', (error: NodeJS.ErrnoException) =>
    secured.reject(unreachable(hubAddress, error.code ?? error.message, error)),
  );
  try {
    await secured.promise;
    return upwards(socket.getPeerX509Certificate());
  } finally {
    socket.destroy();
  }
}

function upwards(leaf: X509Certificate | undefined): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let at = leaf; at !== undefined && chain.length < CHAIN_LIMIT; at = at.issuerCertificate)
    chain.push(at);
  return chain;
}

function unreachable(hubAddress: string, why: string, cause?: unknown): Refusal {
  return new Refusal('UNAVAILABLE', `cannot reach hub at ${hubAddress}: ${why}`, {
    hint: 'is it running, and is the address right?',
    cause,
  });
}
