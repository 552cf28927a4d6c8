import { Refusal } from '../domain/refusal.ts';

/** Of a path, in a sentence. */
const MAX_SHOWN_CHARACTERS = 200;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/**
 * The URL as every check and every connection sees it: the host in lower case, in its ASCII form and without a
 * trailing dot, an IP address in its one usual form however it was written (`0x7f.1`, `2130706433`), as the WHATWG
 * URL standard says; relative to `base` when there is one. INVALID when it is none; what was given may hold a
 * password and is therefore repeated nowhere.
 */
export function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (url === null) {
    throw new Refusal('INVALID', 'the URI of the image cannot be read', {
      hint: 'it looks like https://images.example.org/debian-13.raw',
    });
  }
  // The same host, by an absolute name. With the dot neither a list of hosts nor a certificate would match it.
  if (url.hostname.endsWith('.')) url.hostname = url.hostname.slice(0, -1);
  return url;
}

/** What may be said of a URL: no user, no password, no query (where signed links keep their secret), no fragment. */
export function safeUrl(url: URL): string {
  const { protocol, host, pathname } = url;
  const shown =
    pathname.length > MAX_SHOWN_CHARACTERS ? `${pathname.slice(0, MAX_SHOWN_CHARACTERS)}…` : pathname;
  return `${protocol}//${host}${shown}`;
}

/** That of the scheme where the URL names none. Undefined for schemes that have none. */
export function portOf({ port, protocol }: URL): number | undefined {
  return port === '' ? DEFAULT_PORTS[protocol] : Number(port);
}

/** A name, or an IP address without brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** The user and password of the URL as an `authorization` header; undefined when it has none. */
export function basicAuthorization({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${unescaped(username)}:${unescaped(password)}`).toString('base64')}`;
}

/** As it is where its percent signs are no escapes. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
