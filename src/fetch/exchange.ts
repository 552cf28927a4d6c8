import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import { Refusal } from '../domain/refusal.ts';
import type { AddressFilter } from './address-filter.ts';
import { Answer } from './answer.ts';
import { CONFIG_KEYS } from './config-keys.ts';
import { brokenOff, connectionFailure, late } from './failures.ts';
import { type FetchLimits, MAX_HEADER_BYTES } from './limits.ts';
import { basicAuthorization, hostOf, portOf, safeUrl } from './url.ts';

/** One address of a name. */
export interface Resolved {
  readonly address: string;
  readonly family: 4 | 6;
}

/** All addresses of a name, those to try first in front. Rejects as `node:dns` does. */
export type Resolve = (host: string) => Promise<readonly Resolved[]>;

/** With what requests are made. */
export interface Means {
  readonly addresses: AddressFilter;
  readonly resolve: Resolve;
  /** Undefined: Node's, with the authorities it trusts. */
  readonly secureContext: SecureContext | undefined;
  readonly userAgent: string;
  readonly limits: FetchLimits;
}

/** Of several addresses of a name, one gets so long before the next is tried. Node's 250 ms is short for far servers. */
const ADDRESS_ATTEMPT_MS = 2000;

/**
 * One GET, on a connection of its own, to an address of the host that was checked just before: the name is not looked
 * up a second time, so it cannot lead elsewhere by then. No proxy is used, whatever the environment says; whoever has
 * one would connect to what we have not checked. The answer is the caller's to close.
 *
 * Throws what `connectionFailure` makes of errors, TransientError when a limit is exceeded, FORBIDDEN when no address
 * of the host may be connected to, and what `signal` aborted with.
 */
export async function exchange(
  url: URL,
  headers: OutgoingHttpHeaders,
  means: Means,
  signal: AbortSignal,
): Promise<Answer> {
  const { connectMs, headersMs, stallMs } = means.limits;
  const failed = Promise.withResolvers<never>();
  // Also when nobody waits any more: later errors of the request are those of its answer, which tells them itself.
  failed.promise.catch(() => {});
  const onAbort = () => failed.reject(Refusal.from(signal.reason));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  let timer = setTimeout(() => failed.reject(late(url, 'no connection was made', connectMs)), connectMs);
  let request: ClientRequest | undefined;
  try {
    const addresses = await Promise.race([checkedAddresses(url, means), failed.promise]);
    const answered = Promise.withResolvers<Answer>();
    request = open(url, headers, addresses, means)
      .on('response', (message: IncomingMessage) =>
        answered.resolve(new Answer(url, message, stallMs, signal)),
      )
      .on('error', (error) => failed.reject(connectionFailure(url, error)))
      .on('close', () => failed.reject(brokenOff(url)))
      .on('socket', (socket) =>
        socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
          clearTimeout(timer);
          timer = setTimeout(() => failed.reject(late(url, 'no answer came', headersMs)), headersMs);
        }),
      );
    request.end();
    return await Promise.race([answered.promise, failed.promise]);
  } catch (error) {
    request?.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

function open(
  url: URL,
  headers: OutgoingHttpHeaders,
  addresses: readonly Resolved[],
  { secureContext, userAgent }: Means,
): ClientRequest {
  const authorization = basicAuthorization(url);
  const options = {
    host: hostOf(url),
    port: portOf(url),
    path: `${url.pathname}${url.search}`,
    // Of its own: no connection is kept, none shared, and the environment's proxy not asked.
    agent: false as const,
    lookup: answering(addresses),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    // As the two below: not to be relaxed by the environment.
    insecureHTTPParser: false,
    headers: {
      host: url.host,
      'user-agent': userAgent,
      accept: '*/*',
      'accept-encoding': 'identity',
      ...headers,
      ...(authorization === undefined ? {} : { authorization }),
    },
  };
  if (url.protocol === 'http:') return httpRequest(options);
  return httpsRequest({
    ...options,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(secureContext === undefined ? {} : { secureContext }),
  });
}

/** In place of a look-up, those addresses. Not called for a host that is an address. */
function answering(addresses: readonly Resolved[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses;
    if (all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };
}

/** Those that may be connected to, at least one. */
async function checkedAddresses(url: URL, { addresses, resolve }: Means): Promise<readonly Resolved[]> {
  const host = hostOf(url);
  const family = isIP(host);
  const found =
    family === 4 || family === 6 ? [{ address: host, family } as const] : await resolved(url, resolve);
  const checked = found.map((one) => ({ one, objection: addresses.objection(one.address) }));
  const usable = checked.filter(({ objection }) => objection === undefined);
  if (usable.length > 0) return usable.map(({ one }) => one);
  const kinds = [...new Set(checked.map(({ objection }) => objection))].join('; ');
  throw new Refusal('FORBIDDEN', `${safeUrl(url)} is not fetched: ${host} is no public address (${kinds})`, {
    hint: `\`${CONFIG_KEYS.allowedNetworks}\` in the configuration says from which networks besides the public internet images may come`,
  });
}

async function resolved(url: URL, resolve: Resolve): Promise<readonly Resolved[]> {
  let found: readonly Resolved[];
  try {
    found = await resolve(hostOf(url));
  } catch (error) {
    throw connectionFailure(url, error);
  }
  if (found.length === 0)
    throw connectionFailure(url, Object.assign(new Error('no address'), { code: 'ENOTFOUND' }));
  return found;
}
