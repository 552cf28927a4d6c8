import { once } from 'node:events';
import { connect, type Settings } from 'node:http2';
import { describe, expect, it } from 'vitest';
import type { Refusal } from '../../../src/domain/refusal.ts';
import { callDuplex, callServerStream } from '../../../src/rpc/calls.ts';
import { BULK_WINDOW_BYTES } from '../../../src/rpc/channel.ts';
import { FIRST_WINDOW_BYTES, SERVER_WINDOW_BYTES } from '../../../src/rpc/http2-server.ts';
import { Transfer } from '../../../src/rpc/proto.ts';
import { READ_AHEAD_MESSAGES, WRITE_AHEAD_MESSAGES } from '../../../src/rpc/streams.ts';
import { FRAME_BYTES, type Frame } from '../../../src/transfer/frames.ts';
import { aliceCredentials, authority, gate, serve, settled } from './harness.ts';
import { callUpload, takingUpload } from './upload-call.ts';

const MIB = 1024 * 1024;
const FRAME: Frame = { offset: 0, data: Buffer.alloc(FRAME_BYTES, 1), last: false };
const IMAGE = { imageId: '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10', runs: [] };

/**
 * Frames a producer can get rid of while nobody takes any: the window, what both sides hold by
 * contract, and one or two that are neither here nor there (cut in HTTP/2 frames, half decoded).
 */
function framesInMemory(windowBytes: number): { readonly least: number; readonly most: number } {
  const windowFrames = windowBytes / FRAME_BYTES;
  return { least: windowFrames * 0.7, most: windowFrames + READ_AHEAD_MESSAGES + WRITE_AHEAD_MESSAGES + 3 };
}

/** Writes until the call ends; counts what was accepted. */
async function flood(write: () => Promise<void>, counter: { frames: number }): Promise<Refusal | undefined> {
  try {
    for (;;) {
      await write();
      counter.frames++;
    }
  } catch (error) {
    return error as Refusal;
  }
}

function expectBounded(frames: number, windowBytes: number): void {
  const { least, most } = framesInMemory(windowBytes);
  expect(frames).toBeGreaterThanOrEqual(least);
  expect(frames).toBeLessThanOrEqual(most);
}

describe.each([MIB, BULK_WINDOW_BYTES])('a window of %i bytes at the client', (windowBytes) => {
  it('bounds what a server can send to a caller that does not take it', async () => {
    const counter = { frames: 0 };
    const ended = Promise.withResolvers<Refusal | undefined>();
    await using bench = await serve({
      Transfer: {
        Pull: async (_request, write) => ended.resolve(await flood(() => write(FRAME), counter)),
      },
    });
    const frames = callServerStream(bench.channel({ windowBytes }), Transfer.Pull, IMAGE);
    expect((await frames.next()).value).toEqual(FRAME);
    expectBounded((await settled(() => counter.frames)) - 1, windowBytes);

    await frames.return();
    expect((await ended.promise)?.code).toBe('CANCELLED');
  });
});

// Of callers who are near; far-links.test.ts has those who are not.
describe.each([MIB / 4, SERVER_WINDOW_BYTES])('a window of %i bytes at the server', (windowBytes) => {
  const first = Math.min(FIRST_WINDOW_BYTES, windowBytes);

  it('bounds what a caller can upload while the server does not take it', async () => {
    const looked = gate();
    await using bench = await serve(
      { Images: { Upload: takingUpload(() => looked.opened.then(() => ({ receivedBytes: 0 }))) } },
      { windowBytes },
    );
    const counter = { frames: 0 };
    await using upload = callUpload(bench.channel());
    const flooded = flood(() => upload.write(FRAME), counter);
    // grpc-js keeps the first MiB of a call for itself, in case it has to be sent again.
    expectBounded((await settled(() => counter.frames)) - 1, first);

    looked.open();
    expect((await flooded)?.message).toMatch(/has ended the call/);
    expect(await upload.reply).toEqual({ receivedBytes: 0 });
  });

  it('bounds what a caller can push while the server reads one frame', async () => {
    const looked = gate();
    await using bench = await serve(
      {
        Transfer: {
          Push: async (messages) => {
            for await (const _ of messages) await looked.opened;
          },
        },
      },
      { windowBytes },
    );
    const counter = { frames: 0 };
    await using push = callDuplex(bench.channel(), Transfer.Push);
    const flooded = flood(() => push.write({ frame: FRAME }), counter);
    expectBounded((await settled(() => counter.frames)) - 2, first);
    await push[Symbol.asyncDispose]();
    expect((await flooded)?.code).toBe('CANCELLED');
    looked.open();
  });

  // Two private members of grpc-js are touched for this. When an upgrade moves them, this says so.
  it('is what the server announces, for a stream and for the connection', async () => {
    await using bench = await serve({}, { windowBytes });
    const { chainPem, privateKeyPem } = aliceCredentials;
    const session = connect(`https://127.0.0.1:${bench.port}`, {
      ca: authority.caPem,
      cert: chainPem,
      key: privateKeyPem,
      checkServerIdentity: () => undefined,
    });
    try {
      const [settings] = (await once(session, 'remoteSettings')) as [Settings];
      expect(settings.initialWindowSize).toBe(first);
      // The connection's window comes in a frame of its own, right after; a ping's answer comes after both.
      await new Promise<void>((resolve, reject) =>
        session.ping((error) => (error === null ? resolve() : reject(error))),
      );
      expect(session.state.remoteWindowSize).toBe(windowBytes);
    } finally {
      session.close();
      await once(session, 'close');
    }
  });
});

describe('a consumer', () => {
  it('that is slow gets every frame, in order, and holds up the producer', async () => {
    const total = 40;
    let written = 0;
    await using bench = await serve({
      Transfer: {
        Pull: async (_request, write) => {
          for (; written < total; written++) await write({ ...FRAME, offset: written * FRAME_BYTES });
        },
      },
    });
    const { most } = framesInMemory(MIB);
    let taken = 0;
    for await (const { offset } of callServerStream(
      bench.channel({ windowBytes: MIB }),
      Transfer.Pull,
      IMAGE,
    )) {
      expect(offset).toBe(taken * FRAME_BYTES);
      taken++;
      expect(written - taken).toBeLessThanOrEqual(most);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(taken).toBe(total);
  });
});
