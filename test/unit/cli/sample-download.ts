import { createHash } from 'node:crypto';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import type { DownloadRequest__Output } from '../../../src/rpc/generated/entrepot/v1/DownloadRequest.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import type { Given } from './run.ts';
import { image } from './samples.ts';

const MIB = 1024 * 1024;
export const SIZE = 10 * CHUNK_BYTES + 5;

const half = Buffer.alloc(MIB);
half.fill('a', 0, MIB / 2);

/** Chunks 1, 4 and 10 are data; the first frame is half zeros. */
export const FRAMES: readonly Frame[] = [
  { offset: CHUNK_BYTES, data: half, last: false },
  { offset: CHUNK_BYTES + 3 * MIB, data: Buffer.alloc(MIB, 'b'), last: true },
  { offset: 4 * CHUNK_BYTES + MIB, data: Buffer.alloc(MIB, 'c'), last: true },
  { offset: 10 * CHUNK_BYTES, data: Buffer.from('\0\0end'), last: true },
];
export const END: Frame = { offset: SIZE, data: Buffer.alloc(0), last: true };

export const WHOLE = Buffer.alloc(SIZE);
for (const { offset, data } of FRAMES) WHOLE.set(data, offset);

export const record = image({
  sizeBytes: SIZE,
  dataBytes: 2 * CHUNK_BYTES + 5,
  osHashValue: createHash('sha512').update(WHOLE).digest('hex'),
});

/** A hub that has these frames to send, and keeps what it was asked for in `requests`. */
export function serving(
  frames: readonly Frame[],
  shown = record,
  requests: DownloadRequest__Output[] = [],
): Given {
  return {
    Images: {
      Get: async () => shown,
      Download: async (request, write) => {
        requests.push(request);
        for (const frame of frames) if (frame.offset >= request.fromByte) await write(frame);
      },
    },
  };
}
