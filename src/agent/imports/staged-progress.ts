import { createReadStream } from 'node:fs';
import type { StagedFile } from '../../staging/staged-file.ts';
import { isWorthKeeping } from '../tasks/leftover.ts';
import type { TaskParts } from '../tasks/parts.ts';

/** What a SIGKILL of the agent costs at most. A disk flushes so much within a second or so. */
export const KEPT_EVERY_BYTES = 64 * 1024 * 1024;

/** Of a file, at a time. */
const READ_BYTES = 1024 * 1024;

export interface StagedProgressOptions {
  /** Opened for the task. */
  readonly file: StagedFile;
  readonly taskId: string;
  /** As `StagedState.note`. Undefined: nobody could go on with a part of it, so none is kept. */
  readonly note: string | undefined;
  /** What is kept is a whole number of these. */
  readonly unitBytes: number;
}

/** Keeps what has come of a file for the next attempt of its task, every so often and when this one fails. */
export class StagedProgress {
  readonly #options: StagedProgressOptions;
  #keptBytes: number;
  #doneBytes: number;
  #isWhole = false;

  constructor(options: StagedProgressOptions) {
    this.#options = options;
    this.#keptBytes = options.file.sizeBytes;
    this.#doneBytes = options.file.sizeBytes;
  }

  /** All before `doneBytes` is written, and no write is under way. Rejects as `StagedFile.keep`. */
  async reached(doneBytes: number): Promise<void> {
    this.#doneBytes = doneBytes;
    if (this.#units() - this.#keptBytes >= KEPT_EVERY_BYTES) await this.#keep();
  }

  /** All of it is written, be that a whole number of units or not. Rejects as `StagedFile.keep`. */
  async whole(sizeBytes: number, note: string): Promise<void> {
    const { file, taskId } = this.#options;
    await file.keep({ taskId, sizeBytes, note });
    this.#isWhole = true;
  }

  /**
   * The attempt has failed, and no write is under way: what has come is kept where that helps, or discarded. Never
   * rejects: why it failed matters more. What was kept before still counts, and the hub has leftovers discarded.
   */
  async failed(error: unknown, signal: AbortSignal, parts: TaskParts): Promise<void> {
    const { file, note } = this.#options;
    try {
      const isOfUse = this.#isWhole || note !== undefined;
      if (!isOfUse || !isWorthKeeping(error, signal)) await parts.imports.staging.discard(file.imageId);
      else if (!this.#isWhole && this.#units() > this.#keptBytes) await this.#keep();
    } catch (fault) {
      parts.onLeftover(file.imageId, fault);
    }
  }

  #units(): number {
    const { unitBytes } = this.#options;
    return this.#doneBytes - (this.#doneBytes % unitBytes);
  }

  async #keep(): Promise<void> {
    const { file, taskId, note } = this.#options;
    if (note === undefined) return;
    const sizeBytes = this.#units();
    await file.keep({ taskId, sizeBytes, note });
    this.#keptBytes = sizeBytes;
  }
}

/** What an attempt before has kept, in its order; to be called before anything is written. */
export async function* keptBytesOf(file: StagedFile, signal: AbortSignal): AsyncGenerator<Buffer> {
  if (file.sizeBytes === 0) return;
  for await (const bytes of createReadStream(file.path, {
    end: file.sizeBytes - 1,
    highWaterMark: READ_BYTES,
  })) {
    signal.throwIfAborted();
    yield bytes as Buffer;
  }
}
