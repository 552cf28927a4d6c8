import type { Compression } from '../domain/compression.ts';
import { releaseFrame } from './frame-codec.ts';
import type { Frame } from './frames.ts';
import { unpack } from './zstd.ts';

/** Unpacked at a time: the second hides that the first is done on another thread. */
const AT_ONCE = 2;

/**
 * The frames with their data as it was before it was packed, in order. `onWire` is told of each frame as it comes
 * how many bytes of it crossed the wire and, at the end of a chunk, what the sender decided. CORRUPT for a
 * frame that does not unpack to what it says, or says more than FRAME_BYTES. When it returns nothing is
 * being unpacked any more.
 */
export async function* unpacked(
  frames: AsyncIterable<Frame>,
  onWire: (bytes: number, compression: Compression | undefined) => void,
): AsyncGenerator<Frame, void, void> {
  const pending: Promise<Frame>[] = [];
  try {
    for await (const frame of frames) {
      onWire(frame.data.length, frame.compression);
      if (frame.unpackedBytes === undefined && pending.length === 0) {
        yield frame;
        continue;
      }
      const plain = plainOf(frame);
      // Its failure is met when its turn comes; until then it is not unhandled.
      plain.catch(() => {});
      pending.push(plain);
      // What ends a chunk is waited for: the sender may have nothing to send until the receiver has it.
      while (pending.length >= AT_ONCE || (frame.last && pending.length > 0)) yield await next(pending);
    }
    while (pending.length > 0) yield await next(pending);
  } finally {
    await Promise.allSettled(pending);
  }
}

async function next(pending: Promise<Frame>[]): Promise<Frame> {
  const frame = await (pending[0] as Promise<Frame>);
  void pending.shift();
  return frame;
}

async function plainOf(frame: Frame): Promise<Frame> {
  const { unpackedBytes, ...rest } = frame;
  if (unpackedBytes === undefined) return frame;
  const data = await unpack(frame.data, unpackedBytes);
  releaseFrame(frame);
  return { ...rest, data };
}
