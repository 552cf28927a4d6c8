import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHUNK_BYTES, chunkLength } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { DIGEST_BYTES, Manifest, ManifestBuilder } from '../../../src/transfer/manifest.ts';

/** Which chunks are data, in a notation: x data, - hole. The last chunk is short by `missing`. */
function manifestOf(sketch: string, missing = 0): Manifest {
  const builder = new ManifestBuilder(sketch.length * CHUNK_BYTES - missing);
  for (const [chunk, kind] of Array.from(sketch).entries())
    if (kind === 'x') builder.add(chunk, digest(chunk));
  return builder.build();
}

function digest(chunk: number): Buffer {
  return createHash('sha256').update(`chunk ${chunk}`).digest();
}

const sketchOf = fc.array(fc.constantFrom('x', '-'), { maxLength: 40 }).map((kinds) => kinds.join(''));

describe('a manifest', () => {
  test('knows what is in it', () => {
    fc.assert(
      fc.property(sketchOf, fc.nat(CHUNK_BYTES - 1), fc.nat(45), (sketch, missing, from) => {
        const manifest = manifestOf(sketch, sketch === '' ? 0 : missing);
        const data = Array.from(sketch).flatMap((kind, chunk) => (kind === 'x' ? [chunk] : []));
        const bytesBelow = (end: number) =>
          data
            .filter((chunk) => chunk < end)
            .reduce((sum, chunk) => sum + chunkLength(chunk, manifest.sizeBytes), 0);

        expect(manifest.dataChunkCount).toBe(data.length);
        expect(manifest.dataBytes).toBe(bytesBelow(100));
        expect(manifest.dataBytesBefore(from)).toBe(bytesBelow(from));
        for (let chunk = 0; chunk < sketch.length + 2; chunk++) {
          const expected = sketch[chunk] === 'x' ? digest(chunk) : undefined;
          expect(manifest.digestOf(chunk) && Buffer.from(manifest.digestOf(chunk) ?? [])).toEqual(expected);
        }
        const runs = manifest.dataRuns(from);
        expect(
          runs.flatMap((run) => Array.from({ length: run.chunkCount }, (_, at) => run.firstChunk + at)),
        ).toEqual(data.filter((chunk) => chunk >= from));
        expect(manifest.dataRuns(from, 2)).toEqual(runs.slice(0, 2));
        const decoded = Manifest.decode(manifest.encode(), manifest.root);
        expect(decoded.encode()).toEqual(manifest.encode());
        expect(manifest.root).toBe(createHash('sha256').update(manifest.encode()).digest('hex'));
      }),
    );
  });

  test('of a 16 TiB image with two chunks of data takes no room for holes', () => {
    const sizeBytes = 16 * 2 ** 40;
    const builder = new ManifestBuilder(sizeBytes);
    builder.add(0, digest(0));
    builder.add(sizeBytes / CHUNK_BYTES - 1, digest(1));
    const encoded = builder.build().encode();
    expect(encoded.length).toBe(32 + 2 * 8 + 2 * 32);
    expect(Manifest.decode(encoded).dataRuns()).toEqual([
      { firstChunk: 0, chunkCount: 1 },
      { firstChunk: sizeBytes / CHUNK_BYTES - 1, chunkCount: 1 },
    ]);
  });

  test('keeps its own copy of what it was decoded from', () => {
    const encoded = manifestOf('x-x').encode();
    const manifest = Manifest.decode(encoded);
    encoded.fill(0);
    expect(Manifest.decode(manifest.encode()).root).toBe(manifestOf('x-x').root);
  });

  test('with another root than expected is CORRUPT', () => {
    expect(() => Manifest.decode(manifestOf('xx').encode(), manifestOf('x-').root)).toThrow(
      expect.objectContaining({ code: 'CORRUPT' }),
    );
  });

  test('does not take what is out of order, outside, or zeros', () => {
    const zeros = (length: number) => createHash('sha256').update(Buffer.alloc(length)).digest();
    const builder = new ManifestBuilder(4 * CHUNK_BYTES - 5);
    builder.add(1, digest(1));
    for (const chunk of [0, 1, 4, -1, 1.5, Number.NaN])
      expect(() => builder.add(chunk, digest(0))).toThrow(Refusal);
    expect(() => builder.add(2, zeros(CHUNK_BYTES))).toThrow(Refusal);
    expect(() => builder.add(3, zeros(CHUNK_BYTES - 5))).toThrow(Refusal);
    expect(() => builder.add(2, Buffer.alloc(DIGEST_BYTES - 1))).toThrow(Refusal);
    expect(builder.build().root).toBe(manifestOfChunks(4 * CHUNK_BYTES - 5, [1]).root);
  });
});

describe('what is not a manifest', () => {
  const SHORT = 1000;
  const good = manifestOf('xx-x-xx', CHUNK_BYTES - SHORT).encode();

  function changed(change: (bytes: Buffer) => void): Buffer {
    const bytes = Buffer.from(good);
    change(bytes);
    return bytes;
  }

  test.each<[string, Buffer, RegExp]>([
    ['nothing', Buffer.alloc(0), /does not begin/],
    ['another magic', changed((b) => b.write('e2repot', 0)), /does not begin/],
    ['a later version', changed((b) => b.writeUInt32BE(2, 8)), /version 2/],
    ['another chunk size', changed((b) => b.writeUInt32BE(65536, 12)), /chunks of 65536/],
    ['a size above 2^53', changed((b) => b.writeBigUInt64BE(2n ** 60n, 16)), /image of/],
    [
      'a smaller size',
      changed((b) => b.writeBigUInt64BE(BigInt(5 * CHUNK_BYTES), 16)),
      /has chunk 6 of an image of 5/,
    ],
    ['more runs than bytes', changed((b) => b.writeUInt32BE(0xffffffff, 24)), /not what its header says/],
    ['more digests than bytes', changed((b) => b.writeUInt32BE(0xffffffff, 28)), /not what its header says/],
    ['runs that touch', changed((b) => b.writeUInt32BE(2, 32 + 8)), /does not come after/],
    ['runs that fall', changed((b) => b.writeUInt32BE(0, 32 + 16)), /does not come after/],
    ['an empty run', changed((b) => b.writeUInt32BE(0, 32 + 4)), /does not come after/],
    ['a longer run', changed((b) => b.writeUInt32BE(2, 32 + 12)), /does not come after|digests for/],
    ['an end that is cut', good.subarray(0, -1), /not what its header says/],
    ['bytes after the end', Buffer.concat([good, Buffer.alloc(32)]), /not what its header says/],
    [
      'a chunk of zeros as data',
      changed((b) =>
        createHash('sha256')
          .update(Buffer.alloc(CHUNK_BYTES))
          .digest()
          .copy(b, 32 + 24),
      ),
      /chunk 0 data, which is zeros/,
    ],
    [
      'a short chunk of zeros as data',
      changed((b) =>
        createHash('sha256')
          .update(Buffer.alloc(SHORT))
          .digest()
          .copy(b, b.length - 32),
      ),
      /chunk 6 data, which is zeros/,
    ],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => Manifest.decode(bytes)).toThrow(message);
    expect(() => Manifest.decode(bytes)).toThrow(Refusal);
  });

  test('decodes to what encodes the same, or is refused', () => {
    const garbled = fc
      .tuple(fc.nat(good.length - 1), fc.nat(255))
      .map(([at, byte]) => changed((b) => b.writeUInt8(byte, at)));
    fc.assert(
      fc.property(garbled, (bytes) => {
        try {
          expect(Manifest.decode(bytes).encode()).toEqual(bytes);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });
});

function manifestOfChunks(sizeBytes: number, chunks: number[]): Manifest {
  const builder = new ManifestBuilder(sizeBytes);
  for (const chunk of chunks) builder.add(chunk, digest(chunk));
  return builder.build();
}
