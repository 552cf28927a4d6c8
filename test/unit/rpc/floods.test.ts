import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { callUnary } from '../../../src/rpc/calls.ts';
import { Jobs } from '../../../src/rpc/proto.ts';
import type { ConnectionRefusal } from '../../../src/telemetry/rpc-metrics.ts';
import { type Attack, throwAt } from '../../fuzz/attack.ts';
import { HTTP2 } from '../../fuzz/http2-attacks.ts';
import { aliceCredentials, authority, type Bench, type Given, serve } from './harness.ts';
import {
  frame,
  headersFrame,
  messageHead,
  OPENING,
  rawCall,
  rawSession,
  rawTls,
  resetFrame,
} from './raw-peer.ts';
import { callUpload, takingUpload } from './upload-call.ts';

const GIVEN: Given = {
  Jobs: { Get: async () => ({ id: 'here' }) },
  Images: {
    Upload: takingUpload(async (messages) => {
      let receivedBytes = 0;
      for await (const { data } of messages) receivedBytes += data.length;
      return { receivedBytes };
    }),
  },
};
const GET = '/entrepot.v1.Jobs/Get';
const UPLOAD = '/entrepot.v1.Images/Upload';

/** How often a connection was refused for this. */
async function refused(bench: Bench, reason: ConnectionRefusal): Promise<number> {
  const { values } = await (bench.registry.getSingleMetric('entrepot_connections_refused_total')?.get() ??
    Promise.reject(new Error('no such metric')));
  return values.find(({ labels }) => labels['reason'] === reason)?.value ?? -1;
}

async function expectServing(bench: Bench): Promise<void> {
  expect((await callUnary(bench.channel(), Jobs.Get, {})).id).toBe('here');
}

/** Plain TCP connections that say nothing, with how many of them the server has closed. */
class Silent implements Disposable {
  readonly #sockets: Socket[] = [];
  closed = 0;

  async open(port: number, count: number): Promise<void> {
    const added = Array.from({ length: count }, () => connect(port, '127.0.0.1'));
    for (const socket of added) {
      socket.on('error', () => {});
      // Who does not read does not learn that the other side has left.
      socket.resume();
      socket.on('close', () => void this.closed++);
    }
    await Promise.all(added.map((socket) => once(socket, 'connect')));
    this.#sockets.push(...added);
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

describe('connections', () => {
  it('in a short time from one network are let in at a rate, and again after a while', async () => {
    const limits = { connectionRate: { perSecond: 20, burst: 5 } };
    await using bench = await serve(GIVEN, { limits });
    const early = bench.channel();
    await callUnary(early, Jobs.Get, {});
    using silent = new Silent();
    await silent.open(bench.port, 40);
    await expect.poll(() => silent.closed).toBeGreaterThanOrEqual(30);
    expect(await refused(bench, 'rate')).toBe(silent.closed);
    expect((await callUnary(early, Jobs.Get, {})).id).toBe('here');
    await expect
      .poll(() =>
        expectServing(bench).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  });

  it('of one network are limited in number', async () => {
    await using bench = await serve(GIVEN, { limits: { connectionsPerNetwork: 3 } });
    using silent = new Silent();
    await silent.open(bench.port, 5);
    await expect.poll(() => silent.closed).toBe(2);
    expect(await refused(bench, 'network')).toBe(2);
    silent[Symbol.dispose]();
    await expect
      .poll(() =>
        expectServing(bench).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  });

  it('are limited in all, and those of nobody known give way', async () => {
    await using bench = await serve(GIVEN, { limits: { connections: 3 } });
    using silent = new Silent();
    await silent.open(bench.port, 5);
    await expect.poll(() => silent.closed).toBe(2);
    expect(await refused(bench, 'full')).toBe(2);
    const early = await rawSession(bench.port);
    const late = await rawSession(bench.port);
    await silent.open(bench.port, 5);
    await expect.poll(() => silent.closed).toBe(9);
    expect([early.closed, late.closed]).toEqual([false, false]);
    await rawSession(bench.port);
    await expect.poll(() => silent.closed).toBe(10);
    const refusedToEnter = await rawTls(bench.port).catch(() => undefined);
    expect(refusedToEnter?.closed ?? true).toBe(true);
    expect([early.closed, late.closed]).toEqual([false, false]);
  });

  it('that never begin TLS are dropped', async () => {
    await using bench = await serve(GIVEN, { limits: { handshakeMs: 200 } });
    using silent = new Silent();
    await silent.open(bench.port, 3);
    await expect.poll(() => silent.closed).toBe(3);
    expect(await refused(bench, 'handshake')).toBe(3);
    await expectServing(bench);
  });

  it('that say nothing do not keep a server from stopping', async () => {
    const bench = await serve(GIVEN);
    using silent = new Silent();
    await silent.open(bench.port, 3);
    // Without calls under way there is nothing to wait for.
    const startedMs = performance.now();
    await bench.server.stop(10_000);
    expect(performance.now() - startedMs).toBeLessThan(5000);
    await expect.poll(() => silent.closed).toBe(3);
  });

  it.each([
    'GET / HTTP/1.1\r\nHost: hub\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\x16\x03\x01\xff\xff',
  ])('that speak no TLS are dropped: %j', async (text) => {
    await using bench = await serve(GIVEN, { limits: { handshakeMs: 200 } });
    const socket = connect(bench.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    socket.write(text);
    await once(socket, 'close');
    await expect.poll(() => refused(bench, 'handshake')).toBe(1);
    await expectServing(bench);
  });

  it('that want to speak another protocol get no further', async () => {
    await using bench = await serve(GIVEN);
    const socket = connectTls({ port: bench.port, ca: authority.caPem, ALPNProtocols: ['http/1.1'] });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('no application protocol');
    await expectServing(bench);
  });

  it('of nobody known who asks nothing are closed, those of others stay', async () => {
    await using bench = await serve(GIVEN, { limits: { unknownIdleMs: 100 } });
    const alice = await rawSession(bench.port);
    const nobody = await rawSession(bench.port, 'nobody');
    await once(nobody, 'close');
    expect(await refused(bench, 'unknown')).toBe(1);
    expect(alice.closed).toBe(false);
    alice.destroy();
  });

  it('of callers who go away with more sent than they may are gone for good', async () => {
    const limits = { connections: 1, keepaliveMs: 100, keepaliveAnswerMs: 100, lingerMs: 100 };
    await using bench = await serve(GIVEN, { limits });
    const attack = HTTP2.find(({ name }) => name === 'more data than the window takes') as Attack;
    const { caPem } = aliceCredentials;
    const target = { host: '127.0.0.1', port: bench.port, tls: { caPem }, path: GET };
    const { closedBy } = await throwAt(target, attack, { seed: 1, limitMs: 60 });
    expect(closedBy).toBe('fuzzer');
    const channel = bench.channel();
    await expect
      .poll(() => callUnary(channel, Jobs.Get, {}).then(({ id }) => id, String), { timeout: 10_000 })
      .toBe('here');
  });

  it('that idle for long are closed, whoever has them', async () => {
    await using bench = await serve(GIVEN, { limits: { idleMs: 200 } });
    const alice = await rawSession(bench.port);
    await once(alice, 'close');
    const channel = bench.channel();
    await callUnary(channel, Jobs.Get, {});
    await new Promise((resolve) => setTimeout(resolve, 400));
    // A call that crosses the end of its connection is refused, and may be made again.
    await expect.poll(() => callUnary(channel, Jobs.Get, {}).then(({ id }) => id, String)).toBe('here');
  });
});

describe('a connection', () => {
  it.each(['/no.such/Method', GET])('with too many calls of %s is cut, others are served', async (path) => {
    await using bench = await serve(GIVEN, { limits: { streamRate: { perSecond: 50, burst: 30 } } });
    const session = await rawSession(bench.port);
    const closed = once(session, 'close');
    for (let count = 0; count < 100; count++) rawCall(session, path).end();
    await closed;
    expect(await refused(bench, 'calls')).toBe(1);
    await expectServing(bench);
  });

  // CANCEL, and codes that Node makes errors of, which nobody may be there to hear.
  it.each([8, 1, 7])('that takes back its calls as soon as it made them (code %i) is cut', async (code) => {
    await using bench = await serve(GIVEN, { limits: { streamRate: { perSecond: 50, burst: 20 } } });
    const socket = await rawTls(bench.port);
    socket.resume();
    const calls = Array.from({ length: 100 }, (_, index) => index * 2 + 1);
    const frames = [...calls.map((id) => headersFrame(id, GET)), ...calls.map((id) => resetFrame(id, code))];
    socket.write(Buffer.concat([OPENING, ...frames]));
    await once(socket, 'close');
    expect(await refused(bench, 'calls')).toBe(1);
    await expectServing(bench);
  });

  it('with more calls than it may have at once, which it takes back, is cut and harms nobody', async () => {
    const limits = { callsPerConnection: 10, streamRate: { perSecond: 50, burst: 60 } };
    await using bench = await serve(GIVEN, { limits });
    const session = await rawSession(bench.port);
    const flooding = setInterval(() => {
      for (let count = 0; count < 50 && !session.closed; count++) {
        const call = rawCall(session, count % 2 === 0 ? GET : '/no.such/Method');
        call.end();
        if (count % 3 === 0) call.close(8);
      }
    }, 1);
    await once(session, 'close');
    clearInterval(flooding);
    await expectServing(bench);
  });

  it('whose messages come in single bytes is cut', async () => {
    await using bench = await serve(GIVEN, { limits: { pieceRate: { perSecond: 10, burst: 100 } } });
    const socket = await rawTls(bench.port);
    socket.resume();
    const bytes = Array.from({ length: 500 }, () => frame(0, 0, 1, 'x'));
    const start = [OPENING, headersFrame(1, UPLOAD), frame(0, 0, 1, messageHead(1000))];
    socket.write(Buffer.concat([...start, ...bytes]));
    await once(socket, 'close');
    expect(await refused(bench, 'pieces')).toBe(1);
    await expectServing(bench);
  });

  it('whose messages are large, or small and not too many, is not', async () => {
    await using bench = await serve(GIVEN, { limits: { pieceRate: { perSecond: 10, burst: 100 } } });
    await using upload = callUpload(bench.channel());
    for (const sizeBytes of [...Array<number>(20).fill(1024 * 1024), ...Array<number>(50).fill(10)]) {
      await upload.write({ offset: 0, data: Buffer.alloc(sizeBytes), last: false });
    }
    expect(await upload.finish()).toEqual({ receivedBytes: 20 * 1024 * 1024 + 500 });
    expect(await refused(bench, 'pieces')).toBe(0);
  });

  it('full of rubbish is dropped, others are served', async () => {
    await using bench = await serve(GIVEN);
    let seed = 7;
    const byte = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return (seed >> 16) & 0xff;
    };
    const rubbish = () => Buffer.from(Array.from({ length: byte() + 20 }, byte));
    for (let round = 0; round < 40; round++) {
      const socket = await rawTls(bench.port, round % 3 === 0 ? 'nobody' : 'alice');
      socket.resume();
      const frames = Array.from({ length: 10 }, () => frame(byte() % 12, byte(), byte() % 6, rubbish()));
      const known = [headersFrame(1, UPLOAD), frame(0, byte() % 2, 1, rubbish())];
      const said = [[rubbish()], [OPENING, ...frames], [OPENING, ...known, ...frames]][round % 3] ?? [];
      socket.end(Buffer.concat(said));
      await once(socket, 'close');
    }
    await expectServing(bench);
    expect(bench.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
