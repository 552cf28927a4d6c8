import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HUB } from '../../src/trust/identity.ts';
import { TestAuthority } from '../trust/test-authority.ts';
import { type Attack, type Target, throwAt } from './attack.ts';
import { Dice } from './dice.ts';
import { GRPC, HELD } from './grpc-attacks.ts';
import { HTTP1 } from './http1-attacks.ts';
import { HEADERS, HTTP2 } from './http2-attacks.ts';
import {
  beginCall,
  data,
  FRAME,
  frame,
  grpcMessage,
  headerString,
  opening,
  prefixedInteger,
} from './http2-frames.ts';
import { BEFORE_TLS, IN_PLACE_OF_HTTP2 } from './raw-attacks.ts';

const ATTACKS = [...BEFORE_TLS, ...IN_PLACE_OF_HTTP2, ...HTTP2, ...HEADERS, ...GRPC, ...HELD, ...HTTP1];
const LIMIT_MS = 60;

/** What an attack may take beyond its limit: closing, on a machine that is busy. */
const SLACK_MS = 3000;

let server: Http2SecureServer;
let target: Target;
/** Node's server goes on holding some whose client is gone: it has stopped reading, and so sees no end. */
const sockets = new Set<Socket>();
const streams: { headers: Record<string, unknown>; body: Promise<Buffer> }[] = [];

beforeAll(async () => {
  const { caPem, chainPem, privateKeyPem } = await (await TestAuthority.create()).credentials(HUB);
  server = createSecureServer({ ca: caPem, cert: chainPem, key: privateKeyPem, minVersion: 'TLSv1.3' });
  server.on('sessionError', () => undefined);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const body = buffer(stream);
    body.catch(() => undefined);
    stream.on('error', () => undefined);
    streams.push({ headers, body });
    stream.respond({ ':status': 200 }, { endStream: true });
  });
  target = await listen(server, { caPem });
});
afterAll(async () => {
  const closed = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await closed;
});

async function listen(on: Server | Http2SecureServer, tls?: Target['tls']): Promise<Target> {
  on.listen(0, '127.0.0.1');
  await once(on, 'listening');
  const address = on.address();
  return {
    host: '127.0.0.1',
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    tls,
    path: '/entrepot.v1.Images/List',
  };
}

/** A connection that says these bytes. */
function saying(...steps: Buffer[]): Attack {
  return { name: 'these bytes', layer: 'above', protocol: 'h2', steps: () => steps };
}

describe('what is right is understood as it is meant', () => {
  test('a call with its headers and its message', async () => {
    streams.length = 0;
    const message = grpcMessage(Buffer.alloc(40_000, 7));
    const steps = [
      opening([[4, 65_535]]),
      beginCall(1, '/a.B/C', [['x-more', 'and more']]),
      data(1, message, true),
    ];
    const { closedBy, receivedBytes } = await throwAt(target, saying(...steps), { seed: 1, limitMs: 3000 });
    expect(streams.map(({ headers }) => headers)).toEqual([
      expect.objectContaining({
        ':method': 'POST',
        ':path': '/a.B/C',
        'content-type': 'application/grpc',
        'x-more': 'and more',
      }),
    ]);
    expect(await streams[0]?.body).toEqual(message);
    expect(closedBy).toBe('fuzzer');
    expect(receivedBytes).toBeGreaterThan(0);
  });

  test('integers and strings of header blocks are those of RFC 7541', () => {
    expect(prefixedInteger(10, 5)).toEqual(Buffer.from([10]));
    expect(prefixedInteger(1337, 5)).toEqual(Buffer.from([31, 154, 10]));
    expect(headerString('custom-key')).toEqual(Buffer.from('\x0acustom-key'));
    expect(headerString('a'.repeat(300)).subarray(0, 3)).toEqual(Buffer.from([127, 173, 1]));
  });

  test('a frame says the length it was told to say', () => {
    expect(frame({ type: FRAME.ping, flags: 1, stream: 3, payload: Buffer.from('abc') })).toEqual(
      Buffer.from([0, 0, 3, 6, 1, 0, 0, 0, 3, 97, 98, 99]),
    );
    expect(frame({ type: FRAME.data, length: 0xffffff }).subarray(0, 3)).toEqual(
      Buffer.from([255, 255, 255]),
    );
    expect(grpcMessage(Buffer.from('a'), { length: 0xffffffff, compressed: 1 })).toEqual(
      Buffer.from([1, 255, 255, 255, 255, 97]),
    );
  });
});

describe('randomness', () => {
  test('is the same for the same seed, and another for another', () => {
    const draw = (seed: number) => {
      const dice = new Dice(seed);
      return [dice.bytes(16).toString('hex'), dice.below(1000), dice.text(9), dice.pick(['a', 'b', 'c'])];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  test('covers what it draws from', () => {
    const dice = new Dice(1);
    const seen = new Set(Array.from({ length: 500 }, () => dice.below(10)));
    expect([...seen].sort((one, other) => one - other)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(new Set(dice.bytes(8000)).size).toBe(256);
  });
});

describe('the attacks', () => {
  test('have names of their own', () => {
    for (const list of [ATTACKS.slice(0, -HTTP1.length), HTTP1]) {
      const names = list.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
    }
    expect(ATTACKS.length).toBeGreaterThan(100);
  });

  test.each([
    ['random bytes in place of TLS', 'server'],
    ['random bytes in place of HTTP/2', 'server'],
    ['a preface, then random bytes', 'server'],
    ['continuations without bytes, without end', 'server'],
    ['entries and lengths that are not there', 'server'],
    ['calls without a message', 'fuzzer'],
    ['half a preface, on many connections', 'fuzzer'],
  ] as const)('%s: closed by the %s', async (name, closedBy) => {
    const attack = ATTACKS.find((one) => one.name === name) as Attack;
    const outcome = await throwAt(target, attack, { seed: 3, limitMs: closedBy === 'server' ? 5000 : 300 });
    expect(outcome.closedBy).toBe(closedBy);
    expect(outcome.sentBytes).toBeGreaterThan(0);
  });

  test('leave a server as it was that can stand them', async () => {
    for (const [seed, attack] of ATTACKS.entries()) await throwAt(target, attack, { seed, limitMs: 50 });
    streams.length = 0;
    // Long enough for a machine that is busy.
    await throwAt(target, saying(opening(), beginCall(1, '/still/there')), { seed: 1, limitMs: 3000 });
    expect(streams.map(({ headers }) => headers[':path'])).toEqual(['/still/there']);
  }, 120_000);

  test.each([
    [
      'a server that resets at once',
      (socket: { resetAndDestroy(): unknown }) => void socket.resetAndDestroy(),
    ],
    ['a server that never reads', (socket: { pause(): unknown }) => void socket.pause()],
  ])(
    'end in time at %s',
    async (_, treat) => {
      const odd = createServer(treat);
      odd.on('connection', (socket) => socket.on('error', () => undefined));
      const plain = await listen(odd);
      try {
        await expectInTime(plain);
      } finally {
        odd.close();
      }
    },
    120_000,
  );

  test('end in time where nobody listens', async () => {
    const gone = createServer();
    const nowhere = await listen(gone);
    gone.close();
    await once(gone, 'close');
    for (const { closedBy } of await expectInTime(nowhere)) expect(closedBy).toBe('server');
  }, 120_000);
});

async function expectInTime(at: Target) {
  const outcomes = [];
  for (const [seed, attack] of ATTACKS.entries()) {
    const startMs = performance.now();
    outcomes.push(await throwAt(at, attack, { seed, limitMs: LIMIT_MS }));
    expect(performance.now() - startMs, attack.name).toBeLessThan(LIMIT_MS + SLACK_MS);
  }
  return outcomes;
}
