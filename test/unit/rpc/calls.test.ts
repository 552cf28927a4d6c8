import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { callDuplex, callServerStream, callUnary } from '../../../src/rpc/calls.ts';
import { bulkChannel, controlChannel } from '../../../src/rpc/channel.ts';
import { Agents, Jobs, Transfer } from '../../../src/rpc/proto.ts';
import { PullSource } from '../../../src/rpc/pull-source.ts';
import { type ChunkRun, RUNS_PER_REQUEST } from '../../../src/transfer/frames.ts';
import { collect, gate, reach, refusalIn, serve } from './harness.ts';
import { callUpload, takingUpload } from './upload-call.ts';

const IMAGE_ID = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
const PULL = { imageId: IMAGE_ID, runs: [] };
const FRAME = { offset: 4096, data: Buffer.from('abc'), last: true };

/** Handlers that wait until their call is aborted, and tell why it was. */
function waiting() {
  const started = gate();
  const why = Promise.withResolvers<Refusal>();
  const wait = (signal: AbortSignal) => {
    started.open();
    return new Promise<never>((_resolve, reject) =>
      signal.addEventListener('abort', () => {
        why.resolve(signal.reason);
        reject(signal.reason);
      }),
    );
  };
  return { started: started.opened, why: why.promise, wait };
}

describe('the four kinds of calls', () => {
  it('carry messages there and back', async () => {
    await using bench = await serve({
      Jobs: { Get: async ({ jobId }) => ({ id: jobId, createdAtMs: 1_700_000_000_000 }) },
      Images: {
        Upload: takingUpload(async (messages) => {
          let receivedBytes = 0;
          for await (const { data } of messages) receivedBytes += data.length;
          return { receivedBytes };
        }),
      },
      Transfer: {
        Pull: async ({ runs }, write) => {
          for (const { firstChunk } of runs) await write({ ...FRAME, offset: firstChunk });
        },
        Push: async (messages, write) => {
          for await (const message of messages) {
            if ('hello' in message) await write({ imageId: message.hello.imageId });
            else await write({ runs: [{ firstChunk: message.frame.offset, chunkCount: 1 }] });
          }
        },
      },
    });
    const channel = bench.channel();
    const job = await callUnary(channel, Jobs.Get, { jobId: 'j1' });
    expect(job).toMatchObject({ id: 'j1', createdAtMs: 1_700_000_000_000, kind: '', tasks: [] });

    const runs = [1, 2, 3].map((firstChunk) => ({ firstChunk, chunkCount: 1 }));
    const frames = await collect(callServerStream(channel, Transfer.Pull, { ...PULL, runs }));
    expect(frames).toEqual([1, 2, 3].map((offset) => ({ ...FRAME, offset })));

    await using upload = callUpload(channel);
    for (let count = 0; count < 20; count++) await upload.write(FRAME);
    expect(await upload.finish()).toEqual({ receivedBytes: 60 });

    await using push = callDuplex(channel, Transfer.Push);
    await push.write({ hello: { taskId: 't', attempt: 1, imageId: IMAGE_ID } });
    await push.write({ frame: FRAME });
    push.end();
    expect(await collect(push.messages)).toMatchObject([
      { imageId: IMAGE_ID, runs: [] },
      { imageId: '', runs: [{ firstChunk: 4096, chunkCount: 1 }] },
    ]);
  });

  it('carry metadata', async () => {
    await using bench = await serve({
      Jobs: {
        Get: async (_request, { metadata }) => ({
          id: metadata.get('entrepot-job-id') ?? '',
          kind: metadata.get('x') ?? 'none',
        }),
      },
    });
    const options = { metadata: { 'entrepot-job-id': 'j7' } };
    expect(await callUnary(bench.channel(), Jobs.Get, {}, options)).toMatchObject({ id: 'j7', kind: 'none' });
  });
});

describe('a call whose server refuses', () => {
  const refusal = new Refusal('IN_USE', 'a clone depends on it', { hint: 'flatten it', rule: 'R8' });

  it('gives the messages before the refusal, then the refusal', async () => {
    await using bench = await serve({
      Transfer: {
        Pull: async (_request, write) => {
          await write(FRAME);
          await new Promise((resolve) => setImmediate(resolve));
          throw refusal;
        },
      },
    });
    const frames = callServerStream(bench.channel(), Transfer.Pull, PULL);
    expect((await frames.next()).value).toEqual(FRAME);
    expect(await refusalIn(frames.next())).toMatchObject({ code: 'IN_USE', hint: 'flatten it', rule: 'R8' });
  });

  it('stops an upload in the middle, without waiting for its end', async () => {
    await using bench = await serve({
      Images: {
        Upload: takingUpload(async (messages) => {
          for await (const _ of messages) throw refusal;
          return { receivedBytes: 0 };
        }),
      },
    });
    await using upload = callUpload(bench.channel());
    const writing = (async () => {
      for (;;) await upload.write(FRAME);
    })();
    expect(await refusalIn(writing)).toMatchObject({ code: 'IN_USE', message: 'a clone depends on it' });
    expect(await refusalIn(upload.finish())).toMatchObject({ code: 'IN_USE' });
  });

  it('ends both ways of a duplex call', async () => {
    await using bench = await serve({
      Agents: {
        Attach: async (messages) => {
          for await (const _ of messages) throw refusal;
        },
      },
    });
    await using attach = callDuplex(bench.channel(), Agents.Attach);
    await attach.write({ heartbeat: {} });
    expect(await refusalIn(collect(attach.messages))).toMatchObject({ code: 'IN_USE' });
    expect(await refusalIn(attach.write({ heartbeat: {} }))).toMatchObject({ code: 'IN_USE' });
  });

  it('and one that merely ends a duplex call lets nobody write into the void', async () => {
    await using bench = await serve({ Agents: { Attach: async () => {} } });
    await using attach = callDuplex(bench.channel(), Agents.Attach);
    expect(await collect(attach.messages)).toEqual([]);
    expect(await refusalIn(attach.write({ heartbeat: {} }))).toMatchObject({ code: 'CONFLICT' });
  });
});

describe('a caller that leaves', () => {
  it('early cancels the call at the server', async () => {
    const { why, wait } = waiting();
    await using bench = await serve({
      Transfer: {
        Pull: async (_request, write, { signal }) => {
          await write(FRAME);
          await wait(signal);
        },
      },
    });
    for await (const _ of callServerStream(bench.channel(), Transfer.Pull, PULL)) break;
    expect(await why).toMatchObject({ code: 'CANCELLED', message: 'the caller has left' });
  });

  it('by its signal gets the reason of the signal, and the server CANCELLED', async () => {
    const { started, why, wait } = waiting();
    await using bench = await serve({ Jobs: { Get: (_request, { signal }) => wait(signal) } });
    const abort = new AbortController();
    const call = callUnary(bench.channel(), Jobs.Get, {}, { signal: abort.signal });
    await started;
    const reason = new Refusal('CONFLICT', 'replaced by a later attempt');
    abort.abort(reason);
    expect(await refusalIn(call)).toBe(reason);
    expect(await why).toMatchObject({ code: 'CANCELLED' });
  });

  it('by its signal is free at once, even while it waits for messages', async () => {
    const { started, wait } = waiting();
    await using bench = await serve({ Agents: { Attach: (_m, _w, { signal }) => wait(signal) } });
    const abort = new AbortController();
    await using attach = callDuplex(bench.channel(), Agents.Attach, { signal: abort.signal });
    const reading = collect(attach.messages);
    await started;
    abort.abort();
    expect(await refusalIn(reading)).toMatchObject({ code: 'CANCELLED' });
  });

  it('before it began makes no call', async () => {
    let calls = 0;
    await using bench = await serve({ Jobs: { Get: async () => ({ id: `${calls++}` }) } });
    const signal = AbortSignal.abort();
    expect(await refusalIn(callUnary(bench.channel(), Jobs.Get, {}, { signal }))).toMatchObject({
      code: 'CANCELLED',
    });
    expect(calls).toBe(0);
  });

  it('by closing its channel ends all calls there', async () => {
    const { started, why, wait } = waiting();
    await using bench = await serve({ Jobs: { Get: (_request, { signal }) => wait(signal) } });
    const channel = bench.channel();
    const call = callUnary(channel, Jobs.Get, {});
    await started;
    await channel[Symbol.asyncDispose]();
    expect(await refusalIn(call)).toMatchObject({ code: 'CANCELLED' });
    expect((await why).code).toBe('CANCELLED');
    expect(await refusalIn(callUnary(channel, Jobs.Get, {}))).toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a peer', () => {
  it('that is not there is named', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    await using channel = controlChannel(reach(port));
    const message = `cannot reach hub at 127.0.0.1:${port}: connection refused`;
    expect(await refusalIn(callUnary(channel, Jobs.Get, {}))).toMatchObject({ code: 'UNAVAILABLE', message });
    expect(await refusalIn(collect(callServerStream(channel, Transfer.Pull, PULL)))).toMatchObject({
      message,
    });
    await using upload = callUpload(channel);
    expect(await refusalIn(upload.finish())).toMatchObject({ message });
    await using attach = callDuplex(channel, Agents.Attach);
    expect(await refusalIn(collect(attach.messages))).toMatchObject({ message });
  });

  it('that does not answer in time is given up, at both sides', async () => {
    const { why, wait } = waiting();
    await using bench = await serve({ Jobs: { Get: (_request, { signal }) => wait(signal) } });
    const refusal = await refusalIn(callUnary(bench.channel(), Jobs.Get, {}, { timeoutMs: 100 }));
    expect(refusal).toMatchObject({
      code: 'TIMEOUT',
      message: `hub at 127.0.0.1:${bench.port} did not answer within 100 ms`,
    });
    expect(['TIMEOUT', 'CANCELLED']).toContain((await why).code);
  });

  it('whose line goes dead without a word is noticed', async () => {
    const { started, wait } = waiting();
    await using bench = await serve({ Agents: { Attach: (_m, _w, { signal }) => wait(signal) } });
    await using line = await startLine(bench.port);
    await using channel = bulkChannel({
      ...reach(line.port),
      keepaliveTimeMs: 100,
      keepaliveTimeoutMs: 100,
    });
    await using attach = callDuplex(channel, Agents.Attach);
    const reading = collect(attach.messages);
    await started;
    line.goSilent();
    expect(await refusalIn(reading)).toMatchObject({
      code: 'UNAVAILABLE',
      message: `lost the connection to hub at 127.0.0.1:${line.port}`,
    });
  });

  it('that comes back is reached over the same channel', async () => {
    const first = await serve({ Jobs: { Get: async () => ({ id: 'first' }) } });
    await using channel = controlChannel(reach(first.port));
    expect((await callUnary(channel, Jobs.Get, {})).id).toBe('first');
    await first[Symbol.asyncDispose]();
    await using _second = await serve(
      { Jobs: { Get: async () => ({ id: 'second' }) } },
      { port: first.port },
    );
    await expect
      .poll(() => callUnary(channel, Jobs.Get, {}).catch(() => undefined), { timeout: 5000 })
      .toMatchObject({ id: 'second' });
  });
});

describe('a channel', () => {
  it('for bulk has a connection of its own, whoever else calls the same address', async () => {
    await using bench = await serve({ Jobs: { Get: async () => ({}) } });
    await using line = await startLine(bench.port);
    const settings = reach(line.port);
    const channels = [controlChannel(settings), bulkChannel(settings), bulkChannel(settings)];
    try {
      for (const channel of channels) await callUnary(channel, Jobs.Get, {});
      expect(line.connections()).toBe(3);
    } finally {
      for (const channel of channels) await channel[Symbol.asyncDispose]();
    }
  });

  const MIB = 1024 * 1024;

  it.each([
    [2 * MIB - 100, 'passes'],
    [2 * MIB + 1, 'is refused'],
  ])('sends a message of %i bytes, which %s', async (sizeBytes, outcome) => {
    const data = Buffer.alloc(sizeBytes);
    await using bench = await serve({
      Images: {
        Upload: takingUpload(async (messages) => {
          let receivedBytes = 0;
          for await (const frame of messages) receivedBytes += frame.data.length;
          return { receivedBytes };
        }),
      },
    });
    await using upload = callUpload(bench.channel());
    const uploaded = upload.write({ ...FRAME, data }).then(() => upload.finish());
    if (outcome === 'passes') expect(await uploaded).toEqual({ receivedBytes: sizeBytes });
    else expect(await refusalIn(uploaded)).toMatchObject({ code: 'INVALID' });
  });

  it.each([
    [8 * MIB - 100, 'passes'],
    [8 * MIB + 1, 'is refused'],
  ])('takes a message of %i bytes, which %s', async (sizeBytes, outcome) => {
    const data = Buffer.alloc(sizeBytes);
    await using bench = await serve({ Transfer: { Pull: (_request, write) => write({ ...FRAME, data }) } });
    const downloaded = collect(callServerStream(bench.channel(), Transfer.Pull, PULL));
    if (outcome === 'passes') expect((await downloaded)[0]?.data).toHaveLength(sizeBytes);
    else expect(await refusalIn(downloaded)).toMatchObject({ code: 'INVALID' });
  });
});

describe('a pull source', () => {
  it('asks in requests of at most RUNS_PER_REQUEST runs and gives the frames in their order', async () => {
    const asked: number[] = [];
    await using bench = await serve({
      Transfer: {
        Pull: async ({ runs }, write) => {
          asked.push(runs.length);
          await write({ ...FRAME, offset: runs[0]?.firstChunk ?? -1 });
          await write({ ...FRAME, offset: runs.at(-1)?.firstChunk ?? -1 });
        },
      },
    });
    const total = RUNS_PER_REQUEST * 2 + 1;
    const runs: ChunkRun[] = Array.from({ length: total }, (_, index) => ({
      firstChunk: index * 2,
      chunkCount: 1,
    }));
    await using source = new PullSource({ ...bench.address, ticket: 'one' });
    const frames = await collect(source.pull(IMAGE_ID, runs, new AbortController().signal));
    expect(asked).toEqual([RUNS_PER_REQUEST, RUNS_PER_REQUEST, 1]);
    const edges = [0, RUNS_PER_REQUEST - 1, RUNS_PER_REQUEST, RUNS_PER_REQUEST * 2 - 1, total - 1, total - 1];
    expect(frames.map(({ offset }) => offset)).toEqual(edges.map((index) => index * 2));
  });

  it('shows its ticket with each request, and a renewed one at once while it pulls', async () => {
    const shown: (string | undefined)[] = [];
    const renewed = Promise.withResolvers<{ ticket: string; peer: string }>();
    const pulled = Promise.withResolvers<string>();
    const more = gate();
    await using bench = await serve({
      Transfer: {
        Pull: async (_request, write, { metadata, peer }) => {
          shown.push(metadata.get('entrepot-ticket'));
          pulled.resolve(peer);
          await write(FRAME);
          await more.opened;
        },
        Renew: async ({ ticket }, { peer }) => {
          renewed.resolve({ ticket, peer });
          return {};
        },
      },
    });
    await using source = new PullSource({ ...bench.address, ticket: 'one' });
    // Nothing is under way: nobody is told.
    source.setTicket('two');
    const runs: ChunkRun[] = Array.from({ length: RUNS_PER_REQUEST + 1 }, (_, index) => ({
      firstChunk: index * 2,
      chunkCount: 1,
    }));
    const pulling = collect(source.pull(IMAGE_ID, runs, new AbortController().signal));
    const peer = await pulled.promise;
    source.setTicket('three');
    expect(await renewed.promise).toEqual({ ticket: 'three', peer });
    more.open();
    await pulling;
    expect(shown).toEqual(['two', 'three']);
  });

  it('is not harmed by an agent that does not take the renewed ticket', async () => {
    const started = gate();
    const more = gate();
    const asked = gate();
    await using bench = await serve({
      Transfer: {
        Pull: async (_request, write) => {
          started.open();
          await more.opened;
          await write(FRAME);
        },
        Renew: async () => {
          asked.open();
          throw new Refusal('FORBIDDEN', 'the ticket is for image x');
        },
      },
    });
    await using source = new PullSource({ ...bench.address, ticket: 'one' });
    const runs = [{ firstChunk: 0, chunkCount: 1 }];
    const pulling = collect(source.pull(IMAGE_ID, runs, new AbortController().signal));
    await started.opened;
    source.setTicket('two');
    await asked.opened;
    more.open();
    expect(await pulling).toEqual([FRAME]);
  });

  it('stops by its signal', async () => {
    const { started, wait } = waiting();
    await using bench = await serve({ Transfer: { Pull: (_request, _write, { signal }) => wait(signal) } });
    await using source = new PullSource({ ...bench.address, ticket: 'one' });
    const abort = new AbortController();
    const pulling = collect(source.pull(IMAGE_ID, [{ firstChunk: 0, chunkCount: 1 }], abort.signal));
    await started;
    const reason = new Refusal('CANCELLED', 'the job was cancelled');
    abort.abort(reason);
    expect(await refusalIn(pulling)).toBe(reason);
  });
});

/** A TCP line to `port` that can stop carrying bytes without closing. */
async function startLine(port: number) {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    sockets.push(near, far);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    connections: () => sockets.length / 2,
    goSilent() {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
