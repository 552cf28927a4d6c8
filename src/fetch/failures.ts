import { Refusal } from '../domain/refusal.ts';
import { CONFIG_KEYS } from './config-keys.ts';
import { MAX_HEADER_BYTES } from './limits.ts';
import { safeUrl } from './url.ts';

/** What the same request may be spared in a while. Whatever else is thrown in this folder is final. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
  /** What it comes to when it happens again and again. */
  readonly refusal: Refusal;
  /** When the server asks to be called again. */
  readonly retryAfterMs: number | undefined;

  constructor(refusal: Refusal, retryAfterMs?: number) {
    super(refusal.message, { cause: refusal });
    this.refusal = refusal;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The time limits of a request and of its answer, by what had not come. */
export function late(url: URL, what: string, limitMs: number): TransientError {
  return new TransientError(
    new Refusal('TIMEOUT', `${safeUrl(url)}: ${what} within ${limitMs / 1000} s`, {
      hint: 'is the server overloaded, or does a firewall swallow what is sent to it?',
    }),
  );
}

/** A connection that ended before the answer did. */
export function brokenOff(url: URL, cause?: unknown): TransientError {
  return new TransientError(
    new Refusal('UNAVAILABLE', `${safeUrl(url)}: the connection broke off`, {
      hint: 'is the server, or a proxy before it, under load or being restarted?',
      cause,
    }),
  );
}

/** Names that node:tls gives to a certificate that does not hold. */
const CERTIFICATE =
  /^(CERT_|CRL_|UNABLE_TO_|ERROR_IN_|DEPTH_ZERO|SELF_SIGNED|INVALID_(CA|PURPOSE)|PATH_LENGTH|HOSTNAME_MISMATCH|ERR_TLS_CERT)/;

/** Why a name was not resolved, or a connection not made or not answered, by the error of Node. */
export function connectionFailure(url: URL, error: unknown): Refusal | TransientError {
  const code = codeOf(error);
  const where = safeUrl(url);
  if (code === 'ENOTFOUND') {
    return new Refusal('NOT_FOUND', `${where}: there is no host ${url.hostname}`, {
      hint: 'is the name right, and do the name servers of the agent know it?',
      cause: error,
    });
  }
  if (CERTIFICATE.test(code)) {
    return new Refusal('UNAUTHENTICATED', `${where}: the server's certificate is not accepted (${code})`, {
      hint: `an authority of your own goes into \`${CONFIG_KEYS.caFile}\` of the configuration; otherwise the server needs a new certificate, or the clock of the agent is wrong`,
      cause: error,
    });
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) {
    return new Refusal(
      'UNSUPPORTED',
      `${where}: the server does not speak TLS, or none that is safe (${code})`,
      {
        hint: 'is it an http:// server, or one of TLS 1.1 and older?',
        cause: error,
      },
    );
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Refusal(
      'UNSUPPORTED',
      `${where}: the answer has more than ${MAX_HEADER_BYTES} bytes of headers`,
      {
        hint: 'is it a server for files?',
        cause: error,
      },
    );
  }
  if (code.startsWith('HPE_')) {
    return new Refusal('UNSUPPORTED', `${where}: what the server sends is not HTTP/1.1 (${code})`, {
      hint: 'are the scheme and the port right?',
      cause: error,
    });
  }
  return new TransientError(
    new Refusal('UNAVAILABLE', `${where}: the server cannot be reached (${code})`, {
      hint: 'is it up, and does a firewall let the agent through to it?',
      cause: error,
    }),
  );
}

/** Several addresses that failed, each in its way, come as one AggregateError. */
function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return 'no reason given';
}
