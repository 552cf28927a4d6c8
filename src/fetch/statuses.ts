import { Refusal, type RefusalCode } from '../domain/refusal.ts';
import type { Answer } from './answer.ts';
import { TransientError } from './failures.ts';
import { safeUrl } from './url.ts';

/** Of a status that no attempt will change: what it comes to, in words and with what to do. */
const FINAL: Readonly<Record<number, readonly [code: RefusalCode, what: string, hint: string]>> = {
  401: [
    'FORBIDDEN',
    'wants a user and a password, or others than these',
    'put them into the URI, as https://user:password@host/path: they are shown nowhere',
  ],
  403: [
    'FORBIDDEN',
    'does not give the file away',
    'a signed link may have expired, or the agent not be let in',
  ],
  404: ['NOT_FOUND', 'has no such file', 'is the URI right? A browser or curl shows it'],
  407: [
    'FORBIDDEN',
    'wants to be asked by way of a proxy',
    'proxies are not used: give a URI that needs none',
  ],
  410: ['NOT_FOUND', 'has the file no longer', 'look for a newer one'],
};

/** Statuses below 500 that pass by themselves. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * What an answer means that brings no file: TransientError for what passes by itself (408, 425, 429, 5xx), with the
 * time the server asks for; a Refusal for everything else. `epochMs` is now.
 */
export function statusFailure(
  url: URL,
  { status, headers }: Answer,
  epochMs: number,
): Refusal | TransientError {
  const where = safeUrl(url);
  if (status >= 500 || PASSING.has(status)) {
    const refusal = new Refusal(
      status === 429 ? 'RATE_LIMITED' : 'UNAVAILABLE',
      `${where}: the server answers ${status}`,
      { hint: status === 429 ? 'it is asked too often; try later' : 'try later, or ask who runs the server' },
    );
    return new TransientError(refusal, retryAfterMs(headers['retry-after'], epochMs));
  }
  const [code, what, hint] = FINAL[status] ?? [
    'UNSUPPORTED',
    'does not answer with a file',
    'does the URI lead to the file itself? curl -v shows what comes',
  ];
  return new Refusal(code, `${where}: the server ${what} (${status})`, { hint });
}

/** Seconds, or a date. Undefined when it is neither. */
function retryAfterMs(header: string | undefined, epochMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - epochMs);
}
