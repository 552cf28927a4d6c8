import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { reuseMemoryOfCall, reuseMemoryOfClient } from '../../../src/rpc/bulk-messages.ts';
import { callDuplex, callServerStream } from '../../../src/rpc/calls.ts';
import { Transfer } from '../../../src/rpc/proto.ts';
import { frameOf, releaseFrame } from '../../../src/transfer/frame-codec.ts';
import { frameMemory } from '../../../src/transfer/frame-memory.ts';
import { FRAME_BYTES, type Frame } from '../../../src/transfer/frames.ts';
import { serve } from './harness.ts';

const COUNT = 200;

/** Frame `index` has bytes of its own; every second one is not full. */
function sample(index: number): Frame {
  const length = index % 2 === 0 ? FRAME_BYTES : FRAME_BYTES / 2;
  const payload = Buffer.alloc(length, createHash('sha256').update(String(index)).digest());
  return frameOf(index * FRAME_BYTES, payload, true);
}

function isSample({ offset, data }: Frame): boolean {
  const sent = sample(offset / FRAME_BYTES);
  const same = Buffer.compare(sent.data, data) === 0;
  releaseFrame(sent);
  return same;
}

/** Takes frames as a receiver does: looks at one, and is done with it. */
async function take(frames: AsyncIterable<Frame>, blocks: Set<ArrayBufferLike>): Promise<boolean[]> {
  const right: boolean[] = [];
  for await (const frame of frames) {
    blocks.add(frame.data.buffer);
    right.push(isSample(frame));
    releaseFrame(frame);
  }
  return right;
}

describe('frames', () => {
  test('that are pulled lie in the memory of those before, at both ends, and arrive as they were', async () => {
    const blocks = new Set<ArrayBufferLike>();
    await using bench = await serve({
      Transfer: {
        Pull: async (_request, write) => {
          for (let index = 0; index < COUNT; index++) {
            const frame = sample(index);
            blocks.add(frame.data.buffer);
            await write(frame);
          }
        },
      },
    });
    const frames = callServerStream(bench.channel(), Transfer.Pull, { imageId: '', runs: [] });
    expect(await take(frames, blocks)).toEqual(Array.from({ length: COUNT }, () => true));
    // What both ends have on their way, far less than what went over.
    expect(blocks.size).toBeLessThan(40);
  });

  test('that are pushed do likewise', async () => {
    const blocks = new Set<ArrayBufferLike>();
    let right: boolean[] = [];
    await using bench = await serve({
      Transfer: {
        Push: async (messages) => {
          const frames = async function* () {
            for await (const message of messages) if ('frame' in message) yield message.frame;
          };
          right = await take(frames(), blocks);
        },
      },
    });
    await using call = callDuplex(bench.channel(), Transfer.Push);
    for (let index = 0; index < COUNT; index++) {
      const frame = sample(index);
      blocks.add(frame.data.buffer);
      await call.write({ frame });
    }
    call.end();
    for await (const _reply of call.messages);
    expect(right).toEqual(Array.from({ length: COUNT }, () => true));
    expect(blocks.size).toBeLessThan(40);
  });

  test('that a reader keeps are not overwritten', async () => {
    await using bench = await serve({
      Transfer: {
        Pull: async (_request, write) => {
          for (let index = 0; index < 40; index++) await write(sample(index));
        },
      },
    });
    const kept: Frame[] = [];
    for await (const frame of callServerStream(bench.channel(), Transfer.Pull, { imageId: '', runs: [] })) {
      kept.push(frame);
    }
    expect(kept.map(isSample)).toEqual(Array.from({ length: 40 }, () => true));
  });

  test('whose memory was given back belong to nobody', () => {
    const frame = sample(1);
    expect(frameMemory.owns(frame.data)).toBe(true);
    releaseFrame({ frame });
    expect(frameMemory.owns(frame.data)).toBe(false);
  });
});

test('another version of grpc-js is told of, not half changed', () => {
  const reason = /built differently .*src\/rpc\/bulk-messages\.ts/;
  const client = { getChannel: () => ({ internalChannel: { subchannelPool: {}, filterStackFactory: {} } }) };
  expect(() => reuseMemoryOfClient(client as never, 1)).toThrow(reason);
  expect(() => reuseMemoryOfCall({ call: { nextCall: {} } }, Transfer.Push as never)).toThrow(reason);
});
