import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { Refusal } from '../domain/refusal.ts';
import type { AddressFilter } from './address-filter.ts';
import { CONFIG_KEYS } from './config-keys.ts';
import type { Resolve } from './exchange.ts';
import { DEFAULT_LIMITS, type FetchClock, type FetchLimits } from './limits.ts';
import { Reading, type ReadingSettings, type ResumePoint } from './reading.ts';
import type { UriFilter } from './uri-filter.ts';
import type { FileVersion } from './version.ts';

export interface HttpSourceSettings {
  readonly uris: UriFilter;
  readonly addresses: AddressFilter;
  /** Of one file. */
  readonly maxBytes: number;
  /** Authorities of an organisation, PEM, trusted beside those that Node trusts. */
  readonly caPem?: string | undefined;
  /** What servers see in their logs. Default: `entrepot`. */
  readonly userAgent?: string;
  /** DEFAULT_LIMITS for those left out. */
  readonly limits?: Partial<FetchLimits>;
  /** Default: as the system does, /etc/hosts included. */
  readonly resolve?: Resolve;
  readonly clock?: FetchClock;
  /** Numbers in [0, 1). */
  readonly random?: () => number;
}

export interface OpenOptions {
  /** Ends the opening and the reading. */
  readonly signal: AbortSignal;
  /** Goes on after bytes that are there already, if the file is still that version. */
  readonly resume?: ResumePoint;
  /** Told before each wait for another attempt. */
  readonly onRetry?: (reason: Refusal, delayMs: number) => void;
}

/** A file at a server, opened for one reading. Disposing of it ends the connection. */
export interface RemoteFile extends Disposable {
  /** Undefined when the server does not say before the end. */
  readonly sizeBytes: number | undefined;
  /** What to keep for a resumption; `etag` and `lastModified` are in it. */
  readonly version: FileVersion;
  /** From `resume.fromByte`, or the first one, to the end; to be iterated once. */
  readonly bytes: AsyncIterable<Buffer>;
}

const SYSTEM_CLOCK: FetchClock = {
  epochMs: () => Date.now(),
  sleep: (delayMs, signal) => sleep(delayMs, undefined, { signal }),
};

/** Addresses in the order that the system's rules give. */
const systemResolve: Resolve = async (host) => {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

/**
 * Files by HTTP and HTTPS from servers that nobody vouches for: any answer is possible, and the URI may be a trap of
 * whoever gave it. UriFilter and AddressFilter decide where connections go; the bytes are whatever came.
 */
export class HttpSource {
  readonly #settings: ReadingSettings;

  /** INVALID when `caPem` has no certificates. */
  constructor(settings: HttpSourceSettings) {
    const { uris, addresses, maxBytes, caPem, userAgent = 'entrepot', limits } = settings;
    const { resolve = systemResolve, clock = SYSTEM_CLOCK, random = Math.random } = settings;
    this.#settings = {
      uris,
      maxBytes,
      clock,
      random,
      means: {
        addresses,
        resolve,
        userAgent,
        limits: { ...DEFAULT_LIMITS, ...limits },
        secureContext: caPem === undefined ? undefined : contextTrusting(caPem),
      },
    };
  }

  /**
   * Connects, and resolves when the server has answered with the file.
   *
   * What passes by itself (no connection, a broken one, silence, 408, 425, 429, 5xx) is tried again, after the first
   * byte from where the reading is; each byte that comes gives it all attempts anew. Refusals, here and while reading:
   * INVALID, FORBIDDEN, UNSUPPORTED, NOT_FOUND, UNAUTHENTICATED (TLS) for what another attempt would not change;
   * UNAVAILABLE, TIMEOUT, RATE_LIMITED when the attempts are used up, and another reading may go on after what has come;
   * CONFLICT when it has to begin anew: the file changed while it was read, or it broke off after the first byte and the
   * server gives no way to go on (`cannot be resumed`); CORRUPT when more comes than was announced; what `signal`
   * aborted with.
   */
  async open(uri: string, { signal, resume, onRetry }: OpenOptions): Promise<RemoteFile> {
    const url = this.#settings.uris.parse(uri);
    const reading = new Reading(url, this.#settings, resume, onRetry, signal);
    await reading.begin();
    const { version } = reading;
    return {
      sizeBytes: version.sizeBytes,
      version,
      bytes: reading.bytes(),
      [Symbol.dispose]: () => reading.close(),
    };
  }
}

function contextTrusting(caPem: string): SecureContext {
  // OpenSSL passes over what it cannot read, and nobody would learn that an authority is missing.
  const certificates = caPem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    if (certificates.length === 0) throw new Error('no certificate in it');
    for (const certificate of certificates) new X509Certificate(certificate);
    return createSecureContext({
      ca: [...getCACertificates('default'), ...certificates],
      minVersion: 'TLSv1.2',
    });
  } catch (error) {
    throw new Refusal('INVALID', `the certificates of \`${CONFIG_KEYS.caFile}\` cannot be read`, {
      hint: 'the file holds certificates in PEM, each from BEGIN CERTIFICATE to END CERTIFICATE',
      cause: error,
    });
  }
}
