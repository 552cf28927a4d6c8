import type { Attack, Step } from './attack.ts';
import type { Dice } from './dice.ts';

const KIB = 1024;

function http1(
  name: string,
  steps: (dice: Dice) => Iterable<Step>,
  more: Partial<Pick<Attack, 'connections' | 'reads'>> = {},
): Attack {
  return { name, layer: 'above', protocol: 'http/1.1', ...more, steps };
}

/** Lines of a request, as they are. */
function request(...lines: string[]): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** One request, whole. */
function one(name: string, ...lines: string[]): Attack {
  return http1(name, function* () {
    yield request(...lines);
  });
}

const HOST = 'Host: entrepot';

/** A request that another one is hidden behind, for those who count bytes in two ways. */
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: entrepot\r\n\r\n';

/** What may be thrown at a port that speaks HTTP/1. */
export const HTTP1: readonly Attack[] = [
  http1('random bytes in place of HTTP', function* (dice) {
    for (let count = 0; count < 64; count += 1) yield dice.bytes(1 + dice.below(4096));
  }),
  http1('requests with random bytes in them', function* (dice) {
    const whole = request('GET /metrics HTTP/1.1', HOST, 'Accept: text/plain');
    for (let count = 0; count < 100; count += 1) {
      const changed = Buffer.from(whole);
      for (let byte = 0; byte < 3; byte += 1) changed[dice.below(changed.length)] = dice.below(256);
      yield changed;
    }
  }),
  one('a header of a megabyte', 'GET /metrics HTTP/1.1', HOST, `X-Large: ${'a'.repeat(1024 * KIB)}`),
  one('a URL of a megabyte', `GET /${'a'.repeat(1024 * KIB)} HTTP/1.1`, HOST),
  one(
    'ten thousand headers',
    'GET /metrics HTTP/1.1',
    HOST,
    ...Array.from({ length: 10_000 }, (_, index) => `X-${index}: 1`),
  ),
  http1('headers that do not end', function* () {
    yield Buffer.from(`GET /metrics HTTP/1.1\r\n${HOST}\r\n`);
    for (let count = 0; count < 2000; count += 1) yield Buffer.from(`X-${count}: ${'a'.repeat(1000)}\r\n`);
  }),
  http1(
    'headers, byte by byte, on many connections',
    function* () {
      for (const byte of request('GET /metrics HTTP/1.1', HOST)) {
        yield Buffer.from([byte]);
        yield { pauseMs: 20 };
      }
    },
    { connections: 64 },
  ),
  http1('a body that does not come', function* () {
    yield request(
      'POST /metrics HTTP/1.1',
      HOST,
      'Content-Type: application/json',
      'Content-Length: 1000000',
    );
  }),
  http1('a body that is too large', function* () {
    yield request(
      'POST /metrics HTTP/1.1',
      HOST,
      'Content-Type: application/json',
      'Content-Length: 67108864',
    );
    for (let count = 0; count < 256; count += 1) yield Buffer.alloc(256 * KIB);
  }),
  http1('a body in chunks that do not end', function* () {
    yield request('POST /metrics HTTP/1.1', HOST, 'Transfer-Encoding: chunked', 'Content-Type: text/plain');
    for (let count = 0; count < 20_000; count += 1) yield Buffer.from('1\r\na\r\n');
  }),
  http1('chunks with extensions of a megabyte', function* () {
    yield request('POST /metrics HTTP/1.1', HOST, 'Transfer-Encoding: chunked', 'Content-Type: text/plain');
    for (let count = 0; count < 64; count += 1) yield Buffer.from(`1;${'a'.repeat(16 * KIB)}`);
  }),
  one('two lengths', 'POST /metrics HTTP/1.1', HOST, 'Content-Length: 5', 'Content-Length: 6', '', HIDDEN),
  one(
    'a length and chunks',
    'POST /metrics HTTP/1.1',
    HOST,
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
    '',
    '0',
    '',
    HIDDEN,
  ),
  one('chunks under another name', 'POST /metrics HTTP/1.1', HOST, 'Transfer-Encoding: xchunked', '', HIDDEN),
  one(
    'chunks behind a space',
    'POST /metrics HTTP/1.1',
    HOST,
    'Transfer-Encoding : chunked',
    '',
    '0',
    '',
    HIDDEN,
  ),
  one('a length with a sign', 'POST /metrics HTTP/1.1', HOST, 'Content-Length: +5', '', HIDDEN),
  one('a length beyond numbers', 'POST /metrics HTTP/1.1', HOST, `Content-Length: ${'9'.repeat(40)}`),
  one(
    'a chunk beyond numbers',
    'POST /metrics HTTP/1.1',
    HOST,
    'Transfer-Encoding: chunked',
    '',
    'f'.repeat(40),
  ),
  one('a header that goes on in the next line', 'GET /metrics HTTP/1.1', HOST, 'X-Fold: a', ' b'),
  one('lines that end in a bare CR', 'GET /metrics HTTP/1.1\rHost: entrepot\r\r'),
  one(
    'a body where none belongs',
    'GET /metrics HTTP/1.1',
    HOST,
    `Content-Length: ${HIDDEN.length}`,
    '',
    HIDDEN,
  ),
  one('no host', 'GET /metrics HTTP/1.1'),
  one('another version', 'GET /metrics HTTP/9.9', HOST),
  one('a URL that cannot be decoded', 'GET /%ff%zz HTTP/1.1', HOST),
  one('a way up', 'GET /../../../../etc/passwd HTTP/1.1', HOST),
  one('a URL of somebody else', 'GET http://other.example/metrics HTTP/1.1', HOST),
  one('a tunnel', 'CONNECT other.example:443 HTTP/1.1', HOST),
  one(
    'an upgrade',
    'GET /metrics HTTP/1.1',
    HOST,
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABk',
  ),
  one('an expectation', 'POST /metrics HTTP/1.1', HOST, 'Expect: 100-continue', 'Content-Length: 5'),
  one('a token that is none', 'GET /metrics HTTP/1.1', HOST, `Authorization: Bearer ${'A'.repeat(8000)}`),
  http1('requests on requests, without waiting', function* () {
    const many = Buffer.concat(Array.from({ length: 200 }, () => request('GET /healthz HTTP/1.1', HOST)));
    for (let count = 0; count < 20; count += 1) yield many;
  }),
  http1(
    'requests on requests, whose answers are left lying',
    function* () {
      const many = Buffer.concat(Array.from({ length: 100 }, () => request('GET /metrics HTTP/1.1', HOST)));
      for (let count = 0; count < 20; count += 1) yield many;
    },
    { reads: false, connections: 4 },
  ),
  http1('connections that do nothing', function* () {}, { connections: 300 }),
];
