import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { UriFilter, type UriFilterSettings } from '../../../src/fetch/uri-filter.ts';
import { basicAuthorization, parseUrl, safeUrl } from '../../../src/fetch/url.ts';

/** `ok`, or the code it is refused with. */
function verdict(settings: Partial<UriFilterSettings>, uri: string): string {
  return refusal(settings, uri)?.code ?? 'ok';
}

function refusal(settings: Partial<UriFilterSettings>, uri: string): Refusal | undefined {
  try {
    new UriFilter(settings).parse(uri);
    return undefined;
  } catch (error) {
    return Refusal.from(error);
  }
}

describe('the URI filter', () => {
  it.each<[Partial<UriFilterSettings>, string, string]>([
    [{}, 'https://images.example/a', 'ok'],
    [{}, 'http://images.example:80/a', 'ok'],
    [{}, 'HTTPS://images.example:443/a', 'ok'],
    [{}, 'https://images.example:8443/a', 'FORBIDDEN'],
    [{}, 'http://images.example:22/a', 'FORBIDDEN'],
    [{}, 'http://images.example:0/a', 'FORBIDDEN'],
    [{}, 'ftp://images.example/a', 'FORBIDDEN'],
    [{}, 'file:///etc/passwd', 'FORBIDDEN'],
    [{}, 'data:text/plain,x', 'FORBIDDEN'],
    [{}, '', 'INVALID'],
    [{}, '/etc/passwd', 'INVALID'],
    [{}, 'https://', 'INVALID'],
    [{}, 'https://images.example:99999/', 'INVALID'],
    // A scheme that is allowed and that nothing here speaks.
    [{ allowedSchemes: ['FTP'] }, 'ftp://images.example/a', 'UNSUPPORTED'],
    [{ allowedSchemes: [] }, 'ftp://images.example/a', 'UNSUPPORTED'],
    [{ allowedSchemes: [], disallowedSchemes: ['http'] }, 'http://images.example/a', 'FORBIDDEN'],
    [{ allowedSchemes: [], disallowedSchemes: ['http'] }, 'https://images.example/a', 'ok'],
    // The allowed list alone decides when both are set.
    [{ disallowedSchemes: ['http'] }, 'http://images.example/a', 'ok'],
    [{ allowedHosts: ['a.example'], disallowedHosts: ['a.example'] }, 'https://a.example/', 'ok'],
    [{ allowedPorts: [8080], disallowedPorts: [8080] }, 'http://a.example:8080/', 'ok'],
    // Without a port, that of the scheme is meant.
    [{ allowedPorts: [8443] }, 'https://images.example/a', 'FORBIDDEN'],
    [{ allowedPorts: [443] }, 'http://images.example/a', 'FORBIDDEN'],
    [{ allowedPorts: [], disallowedPorts: [80] }, 'http://images.example/a', 'FORBIDDEN'],
    [{ allowedPorts: [], disallowedPorts: [80] }, 'http://images.example:81/a', 'ok'],
    // Hosts, in any form of writing.
    [{ allowedHosts: ['a.example'] }, 'https://b.example/', 'FORBIDDEN'],
    [{ allowedHosts: ['a.example'] }, 'https://sub.a.example/', 'FORBIDDEN'],
    [{ allowedHosts: ['a.example'] }, 'https://a.example@b.example/', 'FORBIDDEN'],
    [{ allowedHosts: ['A.Example.'] }, 'https://a.EXAMPLE/', 'ok'],
    [{ disallowedHosts: ['a.example'] }, 'https://A.example./', 'FORBIDDEN'],
    [{ disallowedHosts: ['a.example'] }, 'https://%61.example/', 'FORBIDDEN'],
    [{ disallowedHosts: ['bücher.example'] }, 'https://xn--bcher-kva.example/', 'FORBIDDEN'],
    [{ disallowedHosts: ['xn--bcher-kva.example'] }, 'https://BÜCHER.example./', 'FORBIDDEN'],
    [{ disallowedHosts: ['127.0.0.1'] }, 'http://0x7f.1/', 'FORBIDDEN'],
    [{ disallowedHosts: ['127.0.0.1'] }, 'http://2130706433/', 'FORBIDDEN'],
    [{ disallowedHosts: ['127.0.0.1'] }, 'http://１２７.0.0.1./', 'FORBIDDEN'],
    [{ disallowedHosts: ['::1'] }, 'http://[0:0::1]/', 'FORBIDDEN'],
    [{ disallowedHosts: ['[::1]'] }, 'http://[::1]/', 'FORBIDDEN'],
  ])('%j with %s: %s', (settings, uri, expected) => {
    expect(verdict(settings, uri)).toBe(expected);
  });

  it.each([
    'a.example:80',
    'a.example:8080',
    'https://a.example',
    'a.example/path',
    'u@a.example',
    'a b',
    '',
    '[::1]:80',
  ])('takes no %j for a host in its lists', (host) => {
    expect(refusalOfHost(host)).toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('web_download.disallowed_hosts'),
    });
  });

  it('says in which key of the configuration it stands', () => {
    expect(refusal({}, 'https://a.example:8443/x')).toMatchObject({
      message: 'https://a.example:8443/x is not fetched: port 8443 is not allowed',
      hint: '`web_download.allowed_ports` in the configuration says what is allowed: 80, 443',
    });
    expect(refusal({ disallowedHosts: ['a.example'] }, 'https://a.example/')?.hint).toBe(
      '`web_download.disallowed_hosts` in the configuration has it',
    );
    expect(refusal({}, 'ftp://a.example/')?.hint).toContain('`web_download.allowed_schemes`');
  });

  it('does not tell which hosts are allowed', () => {
    const { hint = '' } = refusal({ allowedHosts: ['secret.example'] }, 'https://a.example/') ?? {};
    expect(hint).toContain('web_download.allowed_hosts');
    expect(hint).not.toContain('secret');
  });
});

function refusalOfHost(host: string): Refusal | undefined {
  try {
    new UriFilter({ disallowedHosts: [host] });
    return undefined;
  } catch (error) {
    return Refusal.from(error);
  }
}

describe('secrets of a URL', () => {
  const SECRETS = 'https://alice:s3cret@images.example:8443/a.raw?X-Signature=s3cret#s3cret';

  it('are not in what is said of it', () => {
    expect(safeUrl(parseUrl(SECRETS))).toBe('https://images.example:8443/a.raw');
    const long = safeUrl(parseUrl(`https://images.example/${'a'.repeat(5000)}`));
    expect(long.length).toBeLessThan(300);
  });

  it.each([SECRETS, 'https://alice:s3cret@[::bad/', 'https://alice:s3cret@images.example:99999/?s3cret'])(
    'are not in any part of a refusal: %s',
    (uri) => {
      expect(said(refusal({}, uri))).not.toContain('s3cret');
    },
  );

  it.each([
    ['https://a.example/', undefined],
    ['https://alice:pass@a.example/', 'alice:pass'],
    ['https://alice@a.example/', 'alice:'],
    ['https://al%40ice:p%C3%A4ss%3A@a.example/', 'al@ice:päss:'],
    ['https://alice:100%@a.example/', 'alice:100%'],
  ])('go into the header as they were meant: %s', (uri, expected) => {
    const encoded = basicAuthorization(parseUrl(uri))?.replace(/^Basic /, '');
    expect(encoded && Buffer.from(encoded, 'base64').toString()).toBe(expected);
  });
});

/** Everything of an error that a log might show. */
function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = Object.getOwnPropertyNames(error)
    .filter((name) => name !== 'cause')
    .map((name) => String(Reflect.get(error, name)));
  return [...own, error.cause === undefined ? '' : said(error.cause)].join('\n');
}
