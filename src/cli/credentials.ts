import { Refusal } from '../domain/refusal.ts';
import type { ChannelCredentials } from '../rpc/channel.ts';
import { type Certificate, renewAtMs } from '../trust/certificate.ts';
import { loadOperatorCredentials, type OperatorCredentials } from '../trust/credentials.ts';
import { nameOf } from '../trust/identity.ts';
import { formatTime } from './output/units.ts';
import { shellWord } from './shell-word.ts';

/**
 * What the folder holds, fit to be shown to a hub. UNAUTHENTICATED when there is nothing in it, or
 * when its certificate has expired; INVALID when a file in it is not what it should be.
 */
export async function openCredentials(folder: string, nowMs = Date.now()): Promise<OperatorCredentials> {
  const credentials = await loadOperatorCredentials(folder).catch((error: unknown) => {
    throw explained(error, folder);
  });
  if (credentials.kind === 'certificate')
    requireUnexpired(credentials.credentials.certificate, folder, nowMs);
  return credentials;
}

/** What a channel shows of them. */
export function shownTo(credentials: OperatorCredentials): ChannelCredentials {
  return credentials.kind === 'certificate'
    ? credentials.credentials
    : { caPem: credentials.caPem, bearer: credentials.token };
}

/** A line for whoever uses a certificate that should be renewed; undefined for any other. */
export function renewalAdvice(credentials: OperatorCredentials, nowMs = Date.now()): string | undefined {
  if (credentials.kind !== 'certificate') return undefined;
  const { certificate } = credentials.credentials;
  if (nowMs < renewAtMs(certificate)) return undefined;
  const { identity, notAfterMs } = certificate;
  const command =
    identity.kind === 'operator' ? `; \`entrepot operator issue ${identity.name}\` renews it` : '';
  return `the certificate of ${nameOf(identity)} ends ${formatTime(notAfterMs)}${command}`;
}

function requireUnexpired({ identity, notAfterMs }: Certificate, folder: string, nowMs: number): void {
  if (nowMs < notAfterMs) return;
  const who = identity.kind === 'operator' ? identity.name : 'NAME';
  throw new Refusal(
    'UNAUTHENTICATED',
    `the certificate of ${nameOf(identity)} in ${folder} expired ${formatTime(notAfterMs)}`,
    {
      hint: `ask an admin for new credentials: \`entrepot operator issue ${who}\` makes them, to be copied to ${shellWord(folder)}`,
    },
  );
}

function explained(error: unknown, folder: string): unknown {
  if (!(error instanceof Refusal) || error.code !== 'NOT_FOUND') return error;
  return new Refusal('UNAUTHENTICATED', `no credentials in ${folder}: ${error.message}`, {
    hint:
      'name their folder with --credentials or ENTREPOT_CREDENTIALS; `entrepot hub init` at the hub makes the ' +
      'first ones, and an admin makes others with `entrepot operator add NAME --role ROLE`',
    cause: error,
  });
}
