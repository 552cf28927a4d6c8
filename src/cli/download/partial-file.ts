import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readFile, rm } from 'node:fs/promises';
import { Refusal } from '../../domain/refusal.ts';
import { removeFile, replaceFile } from '../../store/file/durable.ts';
import { errnoCode } from '../../store/file/errno.ts';
import { libc } from '../../store/file/libc.ts';
import { dataRanges } from '../../transfer/chunk-frames.ts';
import { withFile } from '../file-errors.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;
/** What a file system answers that knows no locks: then nobody is kept out. */
const NO_LOCKS = new Set(['ENOLCK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL']);

/** Opens what is there or makes it, and never what a link points to. */
const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

/** At most so much image data, or what came in so long, is fetched again after the process was killed. */
const CHECKPOINT_BYTES = 64 * 1024 * 1024;
const CHECKPOINT_MS = 5000;

/** What tells one image's data from another's. */
export interface Content {
  readonly imageId: string;
  /** SHA-256 of its manifest. */
  readonly root: string;
  readonly sizeBytes: number;
}

/** How far the file is, from its beginning: all below `completeBytes` is as it is in the image. */
export interface Mark {
  readonly completeBytes: number;
  /** Of these, bytes in chunks that are not holes. */
  readonly dataBytes: number;
}

const NOTHING: Mark = { completeBytes: 0, dataBytes: 0 };

/**
 * An image on its way into a file, `PATH.part`, and beside it `PATH.part.json`: which image it is, and how much
 * of it is on the disk for good. The mark is written only after the bytes below it have been flushed, so that
 * a download goes on from there however the one before ended. One process at a time has it, by the kernel's lock.
 */
export class PartialFile implements AsyncDisposable {
  readonly path: string;
  readonly handle: FileHandle;
  /** Whether there was data of another image, which is gone now. */
  readonly replacedOther: boolean;
  readonly #content: Content;
  #mark: Mark;
  #durable: Mark;
  #durableAtMs = Date.now();
  #checkpointing: Promise<void> | undefined;

  private constructor(path: string, handle: FileHandle, content: Content, mark: Mark, replaced: boolean) {
    this.path = path;
    this.handle = handle;
    this.replacedOther = replaced;
    this.#content = content;
    this.#mark = mark;
    this.#durable = mark;
  }

  /**
   * What is there of this image already, or an empty one of its size. IN_USE while another process writes it,
   * INVALID when the name is that of something else than a file.
   */
  static async open(path: string, content: Content): Promise<PartialFile> {
    const doing = `write ${path}`;
    const handle = await withFile(doing, () => openPlain(path));
    try {
      return await withFile(doing, async () => {
        await takeLock(path, handle);
        const state = await stateOf(path);
        const { size } = await handle.stat();
        const isSame = size === content.sizeBytes && state !== undefined && isOf(state, content);
        const { completeBytes, dataBytes } = isSame ? state : NOTHING;
        const mark = { completeBytes, dataBytes };
        if (!isSame) await removeFile(statePath(path));
        // What lies beyond the mark was never flushed: it may be anything, and becomes a hole.
        await handle.truncate(completeBytes);
        await handle.truncate(content.sizeBytes);
        return new PartialFile(
          path,
          handle,
          content,
          mark,
          !isSame && state !== undefined && state.dataBytes > 0 && size > 0,
        );
      });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get mark(): Mark {
    return this.#mark;
  }

  /** Blocks of zeros are left out. May be called again before it has settled. */
  async write(data: Uint8Array, offset: number): Promise<void> {
    await withFile(`write ${this.path}`, async () => {
      for (const [start, end] of dataRanges(data)) {
        for (let done = start; done < end; ) {
          done += (await this.handle.write(data, done, end - done, offset + done)).bytesWritten;
        }
      }
    });
  }

  /** All below the mark has been written. Flushes it now and then, beside what is written next. */
  advance(mark: Mark): void {
    this.#mark = mark;
    const isDue =
      mark.dataBytes - this.#durable.dataBytes >= CHECKPOINT_BYTES ||
      Date.now() - this.#durableAtMs >= CHECKPOINT_MS;
    if (isDue && this.#checkpointing === undefined) {
      this.#checkpointing = this.#flush();
      // What it fails with, the next checkpoint meets too.
      this.#checkpointing.catch(() => {}).finally(() => (this.#checkpointing = undefined));
    }
  }

  /** All below the mark is on the disk when it settles, and a later run knows that. */
  async checkpoint(): Promise<void> {
    await this.#checkpointing?.catch(() => {});
    if (this.#mark.completeBytes > this.#durable.completeBytes) await this.#flush();
  }

  /** Once the file has got its name: what it left beside it goes, as far as the file system lets it. */
  async forgetState(): Promise<void> {
    await this.#checkpointing?.catch(() => {});
    await removeFile(statePath(this.path)).catch(() => {});
  }

  /** Nothing is left of it, as far as the file system lets it go. */
  async discard(): Promise<void> {
    this.#mark = NOTHING;
    await this.forgetState();
    await rm(this.path, { force: true }).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#checkpointing?.catch(() => {});
    await this.handle.close();
  }

  async #flush(): Promise<void> {
    const mark = this.#mark;
    await withFile(`write ${this.path}`, async () => {
      await this.handle.datasync();
      await replaceFile(statePath(this.path), `${JSON.stringify({ ...this.#content, ...mark })}\n`);
    });
    this.#durable = mark;
    this.#durableAtMs = Date.now();
  }
}

function statePath(path: string): string {
  return `${path}.json`;
}

async function openPlain(path: string): Promise<FileHandle> {
  const handle = await open(path, OPEN_FLAGS).catch((error: unknown) => {
    throw errnoCode(error) === 'ELOOP' ? notPlain(path) : error;
  });
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw notPlain(path);
}

function notPlain(path: string): Refusal {
  return new Refusal('INVALID', `${path} is there and not a regular file`, {
    hint: 'move it out of the way',
  });
}

/** For as long as the handle is open. Another download may have had the file, and given it its name since. */
async function takeLock(path: string, handle: FileHandle): Promise<void> {
  const inUse = (cause?: unknown) =>
    new Refusal('IN_USE', `another download writes ${path}`, {
      hint: 'wait for it, or download to another file',
      cause,
    });
  await libc()
    .flock(handle.fd, LOCK_EX | LOCK_NB)
    .catch((error: unknown) => {
      const code = errnoCode(error) ?? '';
      if (NO_LOCKS.has(code)) return;
      throw code === 'EAGAIN' || code === 'EWOULDBLOCK' ? inUse(error) : error;
    });
  const named = await lstat(path).catch(() => undefined);
  if (named?.ino !== (await handle.stat()).ino) throw inUse();
}

type State = Content & Mark;

/** Undefined when there is none, or none that can be trusted. */
async function stateOf(path: string): Promise<State | undefined> {
  try {
    const { imageId, root, sizeBytes, completeBytes, dataBytes } = JSON.parse(
      await readFile(statePath(path), 'utf8'),
    ) as Partial<Record<keyof State, unknown>>;
    const isSound =
      typeof imageId === 'string' &&
      typeof root === 'string' &&
      isCount(sizeBytes) &&
      isCount(completeBytes) &&
      isCount(dataBytes) &&
      dataBytes <= completeBytes &&
      completeBytes <= sizeBytes;
    return isSound ? { imageId, root, sizeBytes, completeBytes, dataBytes } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || errnoCode(error) === 'ENOENT') return;
    throw error;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isOf(state: State, { imageId, root, sizeBytes }: Content): boolean {
  return state.imageId === imageId && state.root === root && state.sizeBytes === sizeBytes;
}
