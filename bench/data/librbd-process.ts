// A process of its own for librbd, so that what it takes can be measured. It opens what it needs, says
// `ready`, does its work when a line comes, answers with a line of JSON, and ends.
import { type FileHandle, open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { CHUNK_BYTES, chunkLength } from '../../src/domain/chunk.ts';
import { RbdStore } from '../../src/store/rbd/rbd-store.ts';
import type { ReadableImage } from '../../src/store/store.ts';
import { BLOCK_BYTES, planImage } from '../common/image-plan.ts';
import type { Comparison, LibrbdRequest } from './librbd-request.ts';

/** Calls of librbd at a time. More were not faster on two cores with the OSD beside. */
const WIDTH = 8;
const TIMEOUT_MS = 30_000;

type Work = () => Promise<Partial<Comparison>>;

const request = JSON.parse(process.argv[2] ?? '') as LibrbdRequest;
const { confPath, pool, imageId, sizeBytes } = request;
await using stack = new AsyncDisposableStack();
const store = stack.use(new RbdStore({ confPath, pool, clientId: 'images', timeoutMs: TIMEOUT_MS }));
await store.start();
const work = await prepare();
process.stdout.write('ready\n');
for await (const _go of createInterface(process.stdin)) {
  process.stdout.write(`${JSON.stringify(await work())}\n`);
  break;
}
process.stdin.destroy();
if (request.work === 'write') await store.publish(imageId);

async function prepare(): Promise<Work> {
  switch (request.work) {
    case 'read': {
      const image = stack.use(await store.openWhole(imageId));
      return () => readAll(image);
    }
    case 'write':
      return await writer();
    case 'compare': {
      const image = stack.use(await store.openWhole(imageId));
      const file = stack.use(await open(request.file));
      return () => compare(image, file);
    }
    case 'remove':
      return async () => {
        await store.remove(imageId);
        return {};
      };
  }
}

async function readAll(image: ReadableImage): Promise<Partial<Comparison>> {
  const chunks = chunksWithin(await image.extents(0, sizeBytes));
  await eachOf(chunks, async (chunk, buffer) => image.read(chunk * CHUNK_BYTES, part(buffer, chunk)));
  return {};
}

/** All of the data is in memory before the clock starts. */
async function writer(): Promise<Work> {
  const pieces: { offset: number; bytes: Buffer }[] = [];
  await using file = await open(request.file);
  for (const { offset, length } of plannedExtents()) {
    for (let at = offset; at < offset + length; ) {
      const end = Math.min(offset + length, at - (at % CHUNK_BYTES) + CHUNK_BYTES);
      const bytes = Buffer.allocUnsafeSlow(end - at);
      await file.read(bytes, 0, bytes.length, at);
      pieces.push({ offset: at, bytes });
      at = end;
    }
  }
  return async () => {
    await using image = await store.openPartial(imageId, sizeBytes);
    await eachOf(pieces, async ({ offset, bytes }) => image.write(offset, bytes));
    await image.flush();
    return {};
  };
}

/** Chunk by chunk, wherever one of both has data: elsewhere both have holes. */
async function compare(image: ReadableImage, file: FileHandle): Promise<Comparison> {
  if (image.sizeBytes !== sizeBytes) return { differsAt: Math.min(image.sizeBytes, sizeBytes), poolBytes: 0 };
  const extents = await image.extents(0, sizeBytes);
  const chunks = new Set([...chunksWithin(extents), ...chunksWithin(plannedExtents())]);
  const differing: number[] = [];
  await eachOf(chunks, async (chunk, buffer) => {
    const found = part(buffer, chunk);
    await image.read(chunk * CHUNK_BYTES, found);
    const expected = Buffer.allocUnsafe(found.length);
    const { bytesRead } = await file.read(expected, 0, expected.length, chunk * CHUNK_BYTES);
    if (bytesRead !== found.length || !expected.equals(found)) differing.push(chunk * CHUNK_BYTES);
  });
  const poolBytes = extents.reduce((sum, { length }) => sum + length, 0);
  return differing.length === 0 ? { poolBytes } : { poolBytes, differsAt: Math.min(...differing) };
}

function plannedExtents(): { offset: number; length: number }[] {
  return planImage(sizeBytes, request.image).extents.map(({ offset, blocks }) => ({
    offset,
    length: blocks.length * BLOCK_BYTES,
  }));
}

/** In rising order, none twice. */
function chunksWithin(extents: readonly { offset: number; length: number }[]): Set<number> {
  const chunks = new Set<number>();
  for (const { offset, length } of extents) {
    const end = Math.ceil((offset + length) / CHUNK_BYTES);
    for (let chunk = Math.floor(offset / CHUNK_BYTES); chunk < end; chunk++) chunks.add(chunk);
  }
  return chunks;
}

function part(buffer: Buffer, chunk: number): Buffer {
  return buffer.subarray(0, chunkLength(chunk, sizeBytes));
}

/** WIDTH at a time, each with a buffer of a chunk. */
async function eachOf<T>(
  items: Iterable<T>,
  visit: (item: T, buffer: Buffer) => Promise<void>,
): Promise<void> {
  const left = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: WIDTH }, async () => {
      const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      for (let next = left.next(); next.done !== true; next = left.next()) await visit(next.value, buffer);
    }),
  );
}
