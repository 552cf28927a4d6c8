import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises';
import { CHUNK_BYTES, chunkLength } from '../domain/chunk.ts';
import { Refusal } from '../domain/refusal.ts';
import { StreamDigest } from '../image/digests.ts';
import type { Frame } from '../transfer/frames.ts';
import { withFile } from './file-errors.ts';

/** What is being digested or written while the next frames arrive: bounds memory. */
const PENDING_FRAMES = 8;

export interface DownloadOptions {
  readonly path: string;
  /** Replace a file that is there. */
  readonly force: boolean;
  readonly sizeBytes: number;
  /** SHA-512 of the whole image, hexadecimal. */
  readonly osHashValue: string;
  /** Bytes of the chunks that have come so far, as the image's data bytes are counted. */
  readonly onProgress: (doneBytes: number) => void;
}

/** ALREADY_EXISTS when the file is there and may not be replaced; INVALID when it is no file. */
export async function requireFreeTarget(path: string, force: boolean): Promise<void> {
  const stats = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (stats === undefined) return;
  if (!stats.isFile()) throw new Refusal('INVALID', `${path} is there and not a regular file`);
  if (force) return;
  throw new Refusal('ALREADY_EXISTS', `${path} is there already`, { hint: '--force replaces it' });
}

/**
 * Writes the data frames of an image into `PATH.part`, holes left out, and gives it its name only
 * when all of it is there and its digest is right. CORRUPT, and no file, otherwise.
 */
export async function saveImage(frames: AsyncIterable<Frame>, options: DownloadOptions): Promise<void> {
  const partPath = `${options.path}.part`;
  const doing = `write ${partPath}`;
  const handle = await withFile(doing, () => open(partPath, 'w'));
  try {
    try {
      await withFile(doing, () => handle.truncate(options.sizeBytes));
      await using digest = new StreamDigest();
      await writeFrames(frames, handle, digest, options, doing);
      requireRightDigest((await digest.finish()).sha512, options);
      await withFile(doing, () => handle.sync());
    } finally {
      await handle.close();
    }
    await withFile(`write ${options.path}`, () => putInPlace(partPath, options));
  } catch (error) {
    await unlink(partPath).catch(() => {});
    throw error;
  }
}

async function writeFrames(
  frames: AsyncIterable<Frame>,
  handle: FileHandle,
  digest: StreamDigest,
  { sizeBytes, onProgress }: DownloadOptions,
  doing: string,
): Promise<void> {
  const pending: Promise<unknown>[] = [];
  let position = 0;
  let doneBytes = 0;
  let complete = false;
  for await (const { offset, data, last } of frames) {
    if (complete || offset < position || offset + data.length > sizeBytes) throw disorder(offset);
    if (offset > position) await digest.zeros(offset - position);
    position = offset + data.length;
    complete = data.length === 0 && last && offset === sizeBytes;
    if (last && !complete) {
      doneBytes += chunkLength(Math.floor(offset / CHUNK_BYTES), sizeBytes);
      onProgress(doneBytes);
    }
    if (data.length === 0) continue;
    const work = Promise.all([digest.update(data), withFile(doing, () => writeAll(handle, data, offset))]);
    // Awaited below, in order.
    work.catch(() => {});
    pending.push(work);
    if (pending.length >= PENDING_FRAMES) await pending.shift();
  }
  await Promise.all(pending);
  if (!complete) {
    throw new Refusal('UNAVAILABLE', `the download ended at byte ${position} of ${sizeBytes}`, {
      hint: 'try again; `entrepot store list` shows whether the stores are online',
    });
  }
}

async function writeAll(handle: FileHandle, data: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await handle.write(data, done, data.length - done, offset + done);
    done += bytesWritten;
  }
}

/** Without --force a file that came to be there meanwhile is not replaced either. */
async function putInPlace(partPath: string, { path, force }: DownloadOptions): Promise<void> {
  if (force) return rename(partPath, path);
  await link(partPath, path).catch(async (error: NodeJS.ErrnoException) => {
    // Some file systems have no hard links.
    if (error.code !== 'EPERM' && error.code !== 'ENOTSUP' && error.code !== 'EOPNOTSUPP') throw error;
    await requireFreeTarget(path, force);
    await rename(partPath, path);
  });
  await unlink(partPath).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

function requireRightDigest(sha512: string, { path, osHashValue }: DownloadOptions): void {
  if (sha512 === osHashValue) return;
  throw new Refusal(
    'CORRUPT',
    `the bytes that came are not the image: their SHA-512 begins ${sha512.slice(0, 16)}, the record's ${osHashValue.slice(0, 16)}; ${path} was not written`,
    { hint: 'try again; if it happens twice, a copy or the way to it is damaged' },
  );
}

function disorder(offset: number): Refusal {
  return new Refusal('CORRUPT', `the hub sent bytes at ${offset} that do not belong there`, {
    hint: 'do both sides run versions of entrepot that go together?',
  });
}
