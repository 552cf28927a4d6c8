import { once } from 'node:events';
import type { ClientHttp2Stream } from 'node:http2';
import { describe, expect, it } from 'vitest';
import type { Refusal } from '../../../src/domain/refusal.ts';
import { callDuplex, callServerStream, callUnary } from '../../../src/rpc/calls.ts';
import { REQUEST_LIMIT_BYTES, SERVER_LIMITS } from '../../../src/rpc/limits.ts';
import { Agents, Jobs } from '../../../src/rpc/proto.ts';
import { FRAME_BYTES } from '../../../src/transfer/frames.ts';
import { collect, gate, refusalIn, serve, settled } from './harness.ts';
import { messageHead, rawCall, rawSession } from './raw-peer.ts';
import { callUpload, takingUpload } from './upload-call.ts';

const MIB = 1024 * 1024;
const FRAME = { offset: 0, data: Buffer.alloc(FRAME_BYTES, 1), last: false };
const GET = '/entrepot.v1.Jobs/Get';
const UPLOAD = '/entrepot.v1.Images/Upload';
const PULL = '/entrepot.v1.Transfer/Pull';

/** The status a raw call ends with, as gRPC has it: in trailers, or in headers where there is nothing else. */
async function statusOf(stream: ClientHttp2Stream): Promise<string> {
  const status = Promise.withResolvers<string>();
  const look = (headers: object) => {
    const code = (headers as Record<string, string>)['grpc-status'];
    if (code !== undefined) status.resolve(code);
  };
  stream.on('response', look);
  stream.on('trailers', look);
  stream.on('close', () => status.resolve('closed without a status'));
  stream.resume();
  return status.promise;
}

describe('a caller who takes nothing', () => {
  it('of what is streamed to it is given up, and its place is free again', async () => {
    const why = Promise.withResolvers<Refusal>();
    await using bench = await serve(
      {
        Transfer: {
          Pull: async (_request, write) => {
            try {
              for (;;) await write(FRAME);
            } catch (error) {
              why.resolve(error as Refusal);
              throw error;
            }
          },
        },
        Jobs: { Get: async () => ({}) },
      },
      { limits: { stallMs: 200, abortMs: 100, callsPerIdentity: 1 } },
    );
    const session = await rawSession(bench.port);
    const pull = rawCall(session, PULL);
    pull.end(messageHead(0));
    await once(pull, 'response');
    expect(await why.promise).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('taken nothing'),
    });
    await once(pull, 'close');
    expect(pull.rstCode).not.toBe(0);
    await callUnary(bench.channel(), Jobs.Get, {});
    session.destroy();
  });

  it('of one answer is given up as well, although its handler is long done', async () => {
    await using bench = await serve(
      { Jobs: { Get: async () => ({ id: 'x'.repeat(MIB) }) } },
      { limits: { stallMs: 1000, abortMs: 100, callsPerIdentity: 1 } },
    );
    const session = await rawSession(bench.port);
    const get = rawCall(session, GET);
    get.end(messageHead(0));
    await once(get, 'response');
    expect(await refusalIn(callUnary(bench.channel(), Jobs.Get, {}))).toMatchObject({ code: 'RATE_LIMITED' });
    await expect
      .poll(
        () =>
          callUnary(bench.channel(), Jobs.Get, {}).then(
            ({ id }) => id.length,
            () => 0,
          ),
        {
          timeout: 5000,
        },
      )
      .toBe(MIB);
    session.destroy();
  });

  it('is not one who takes it slowly', async () => {
    const total = 16;
    await using bench = await serve(
      {
        Transfer: {
          Pull: async (_request, write) => {
            for (let count = 0; count < total; count++) await write(FRAME);
          },
        },
      },
      { limits: { stallMs: 800, abortMs: 100 } },
    );
    const session = await rawSession(bench.port);
    const pull = rawCall(session, PULL);
    const status = Promise.withResolvers<string>();
    pull.on('trailers', (trailers) => status.resolve(String(trailers['grpc-status'])));
    pull.on('close', () => status.resolve('closed'));
    let received = 0;
    let paused = 0;
    pull.on('data', (piece: Buffer) => {
      received += piece.length;
      // A pause after each MiB; all of them together last far longer than a stall may.
      if (received < (paused + 1) * MIB) return;
      paused++;
      pull.pause();
      setTimeout(() => pull.resume(), 100);
    });
    pull.end(messageHead(0));
    expect(await status.promise).toBe('0');
    expect(paused).toBeGreaterThanOrEqual(total - 1);
    session.destroy();
  });
});

describe('a caller to whom nothing is sent', () => {
  it('for long is not given up', async () => {
    await using bench = await serve(
      {
        Jobs: {
          Watch: async (_request, write) => {
            await write({ id: 'first' });
            await new Promise((resolve) => setTimeout(resolve, 600));
            await write({ id: 'second' });
          },
        },
      },
      { limits: { stallMs: 200, abortMs: 100, requestMs: 200, silenceMs: 200 } },
    );
    const jobs = await collect(callServerStream(bench.channel(), Jobs.Watch, {}));
    expect(jobs.map(({ id }) => id)).toEqual(['first', 'second']);
  });
});

describe('a caller who says nothing', () => {
  it('in a stream is told that it was given up', async () => {
    await using bench = await serve(
      {
        Agents: {
          Attach: async (messages) => {
            for await (const _ of messages);
          },
        },
      },
      { limits: { silenceMs: 800 } },
    );
    await using attach = callDuplex(bench.channel(), Agents.Attach);
    const reading = refusalIn(collect(attach.messages));
    for (let count = 0; count < 12; count++) {
      await attach.write({ heartbeat: {} });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await reading).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('said nothing'),
    });
  });

  it('because it is not listened to is not given up', async () => {
    const look = gate();
    await using bench = await serve(
      {
        Images: {
          Upload: takingUpload(async (messages) => {
            const reader = messages[Symbol.asyncIterator]();
            await reader.next();
            await look.opened;
            let receivedBytes = 0;
            for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
              receivedBytes += next.value.data.length;
            }
            return { receivedBytes };
          }),
        },
      },
      { limits: { silenceMs: 200 }, windowBytes: MIB },
    );
    await using upload = callUpload(bench.channel());
    let written = 0;
    const writing = (async () => {
      for (; written < 20; written++) await upload.write(FRAME);
      return upload.finish();
    })();
    await settled(() => written, 600);
    expect(written).toBeLessThan(20);
    look.open();
    expect(await writing).toEqual({ receivedBytes: 19 * FRAME_BYTES });
  });

  it.each([
    ['before its only message', Buffer.alloc(0)],
    ['in the middle of it', Buffer.concat([messageHead(1000), Buffer.alloc(500)])],
    ['after it', messageHead(0)],
  ])('%s is given up sooner', async (_, said) => {
    await using bench = await serve({ Jobs: { Get: async () => ({}) } }, { limits: { requestMs: 200 } });
    const session = await rawSession(bench.port);
    const get = rawCall(session, GET);
    get.write(said);
    expect(await statusOf(get)).toBe('4');
    session.destroy();
  });

  it('is given up sooner still when nobody knows who it is', async () => {
    const limits = { requestMs: 60_000, silenceMs: 60_000, requestOfNobodyMs: 200 };
    await using bench = await serve(
      { Jobs: { Get: async () => ({}) } },
      { limits, rights: { [GET]: 'enrol' } },
    );
    const session = await rawSession(bench.port, 'nobody');
    expect(await statusOf(rawCall(session, GET))).toBe('4');
    session.destroy();
  });

  it('more after it was answered has its call ended', async () => {
    await using bench = await serve(
      { Images: { Upload: takingUpload(async () => ({ receivedBytes: 0 })) } },
      { limits: { lingerMs: 100 } },
    );
    const session = await rawSession(bench.port);
    const answered = rawCall(session, UPLOAD);
    expect(await statusOf(answered)).toBe('0');
    const unknown = rawCall(session, '/no.such/Method');
    expect(await statusOf(unknown)).toBe('12');
    await expect.poll(() => [answered.destroyed, unknown.destroyed]).toEqual([true, true]);
    session.destroy();
  });
});

describe('memory', () => {
  it('is not set aside for a message that is only announced, and too long', async () => {
    await using bench = await serve({ Jobs: { Get: async () => ({}) } });
    const session = await rawSession(bench.port);
    const get = rawCall(session, GET);
    get.write(Buffer.concat([messageHead(0xffff_ffff), Buffer.alloc(100)]));
    expect(await statusOf(get)).toBe('8');
    session.destroy();
  });

  it('taken by messages that never become whole is bounded by the calls under way', async () => {
    await using bench = await serve({ Jobs: { Get: async () => ({}) } });
    const { callsPerIdentity, callsPerConnection } = SERVER_LIMITS;
    const before = process.memoryUsage().arrayBuffers;
    const session = await rawSession(bench.port);
    const piece = Buffer.alloc(64 * 1024);
    let refused = 0;
    let open = 0;
    for (let count = 0; count < callsPerConnection; count++) {
      const get = rawCall(session, GET);
      open++;
      get.on('response', () => {
        refused++;
        open--;
      });
      get.write(messageHead(REQUEST_LIMIT_BYTES - 10));
      for (let sent = 0; sent < REQUEST_LIMIT_BYTES - 2 * piece.length; sent += piece.length)
        get.write(piece);
    }
    await expect.poll(() => refused, { timeout: 15_000 }).toBe(callsPerConnection - callsPerIdentity);
    await settled(() => process.memoryUsage().arrayBuffers, 500);
    const taken = process.memoryUsage().arrayBuffers - before;
    expect(open).toBe(callsPerIdentity);
    // That it was written at all, and that no more is kept than the calls that were let in may send.
    expect(taken).toBeGreaterThan(callsPerIdentity * MIB);
    expect(taken).toBeLessThan(callsPerIdentity * REQUEST_LIMIT_BYTES + 64 * MIB);
    session.destroy();
  });
});
