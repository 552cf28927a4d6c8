import { CHUNK_BYTES } from '../domain/chunk.ts';
import { frameOf } from './frame-codec.ts';
import { FRAME_BYTES, type Frame } from './frames.ts';

/** Zeros inside a chunk are left out by blocks of this size; it divides a frame. */
const BLOCK_BYTES = 64 * 1024;
const ZERO_BLOCK = Buffer.alloc(BLOCK_BYTES);

/** The runs of blocks that are not zero, in frames; the last frame says that it is. */
export function chunkFrames(chunkOffset: number, chunk: Uint8Array): Frame[] {
  const ranges = dataRanges(chunk);
  return ranges.map(([start, end], position) =>
    frameOf(chunkOffset + start, chunk.subarray(start, end), position === ranges.length - 1),
  );
}

/**
 * The frames of an image whose bytes come one after the other, cut anywhere, beginning with the one at `fromByte`, where
 * a chunk begins. A chunk of zeros gives an empty frame, so that whoever takes them knows that it came; the empty one at
 * the end is the last. They are of one buffer, which is used again: whoever takes them is done with one when asking for
 * the next.
 */
export async function* framesOfBytes(bytes: AsyncIterable<Uint8Array>, fromByte = 0): AsyncGenerator<Frame> {
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let offset = fromByte;
  let filled = 0;
  for await (const piece of bytes) {
    for (let rest = piece; rest.length > 0; ) {
      const taken = rest.subarray(0, CHUNK_BYTES - filled);
      chunk.set(taken, filled);
      filled += taken.length;
      rest = rest.subarray(taken.length);
      if (filled < CHUNK_BYTES) continue;
      yield* framesOrZeros(offset, chunk);
      offset += filled;
      filled = 0;
    }
  }
  if (filled > 0) yield* framesOrZeros(offset, chunk.subarray(0, filled));
  yield { offset: offset + filled, data: new Uint8Array(), last: true };
}

function framesOrZeros(offset: number, chunk: Uint8Array): Frame[] {
  const frames = chunkFrames(offset, chunk);
  return frames.length > 0 ? frames : [{ offset, data: new Uint8Array(), last: true }];
}

/** [start, end) of data inside a chunk, blocks of zeros left out; none longer than a frame. */
export function dataRanges(chunk: Uint8Array): [start: number, end: number][] {
  const ranges: [start: number, end: number][] = [];
  for (let start = 0; start < chunk.length; start += BLOCK_BYTES) {
    const end = Math.min(start + BLOCK_BYTES, chunk.length);
    if (ZERO_BLOCK.subarray(0, end - start).equals(chunk.subarray(start, end))) continue;
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === start && end - last[0] <= FRAME_BYTES) last[1] = end;
    else ranges.push([start, end]);
  }
  return ranges;
}
