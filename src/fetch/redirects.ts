import type { OutgoingHttpHeaders } from 'node:http';
import { Refusal } from '../domain/refusal.ts';
import type { Answer } from './answer.ts';
import { exchange, type Means } from './exchange.ts';
import { MAX_REDIRECTS } from './limits.ts';
import type { UriFilter } from './uri-filter.ts';
import { parseUrl, safeUrl } from './url.ts';

/** The statuses that send to another URL for the same file. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** An answer that is no redirect, and the URL that gave it. */
export interface Followed {
  readonly answer: Answer;
  readonly url: URL;
}

/**
 * GETs `start`, and what it redirects to, at most MAX_REDIRECTS times. Each URL is checked as the first one, by its
 * text and by the address it leads to. User and password go on to the same scheme, host and port only.
 *
 * As `exchange`, and FORBIDDEN when a redirect leads where nothing is fetched from, or from https to http; INVALID
 * when there are too many.
 */
export async function follow(
  start: URL,
  headers: OutgoingHttpHeaders,
  uris: UriFilter,
  means: Means,
  signal: AbortSignal,
): Promise<Followed> {
  let url = start;
  for (let redirects = 0; ; redirects++) {
    uris.require(url);
    const answer = await exchange(url, headers, means, signal);
    if (!REDIRECTS.has(answer.status)) return { answer, url };
    answer.close();
    if (redirects === MAX_REDIRECTS) {
      throw new Refusal('INVALID', `${safeUrl(start)} redirects more than ${MAX_REDIRECTS} times`, {
        hint: 'give the URI where the file is',
      });
    }
    url = target(url, answer.headers.location);
  }
}

function target(from: URL, location: string | undefined): URL {
  if (location === undefined || !URL.canParse(location, from.href)) {
    throw new Refusal('UNSUPPORTED', `${safeUrl(from)} redirects, and does not say where to`, {
      hint: 'give the URI where the file is',
    });
  }
  const to = parseUrl(location, from);
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new Refusal('FORBIDDEN', `${safeUrl(from)} redirects to ${safeUrl(to)}, away from https`, {
      hint: 'to fetch it unprotected all the same, give that URI itself',
    });
  }
  if (to.origin === from.origin && to.username === '' && to.password === '') {
    to.username = from.username;
    to.password = from.password;
  }
  return to;
}
