import { join } from 'node:path';
import { Refusal } from '../domain/refusal.ts';
import { openPart } from './open-part.ts';
import type { Room } from './room.ts';
import type { StagedPart } from './staged-part.ts';
import { type StagedState, writeState } from './state.ts';

export interface StagedFileParts {
  readonly imageId: string;
  readonly folder: string;
  readonly data: StagedPart;
  readonly room: Room;
  /** Called once, when it is closed. */
  readonly onClosed: () => void;
}

/**
 * What is staged of one image, open for its one owner:
 *
 *     <staging>/<uuid>/data         the file as it was brought
 *     <staging>/<uuid>/state        while it is brought: how much of it counts, and whose it is
 *     <staging>/<uuid>/inflated     what came of it when it was decompressed
 */
export class StagedFile implements AsyncDisposable {
  readonly imageId: string;
  readonly #folder: string;
  readonly #data: StagedPart;
  readonly #room: Room;
  readonly #onClosed: () => void;
  #inflated: Promise<StagedPart> | undefined;
  #closed: Promise<void> | undefined;

  constructor({ imageId, folder, data, room, onClosed }: StagedFileParts) {
    this.imageId = imageId;
    this.#folder = folder;
    this.#data = data;
    this.#room = room;
    this.#onClosed = onClosed;
  }

  get path(): string {
    return this.#data.path;
  }

  get sizeBytes(): number {
    return this.#data.sizeBytes;
  }

  /** As StagedPart.write, to the file as it is brought. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    await this.#data.write(offset, bytes);
  }

  async flush(): Promise<void> {
    await this.#data.flush();
  }

  /**
   * Flushes, and has the next attempt of the task go on behind `sizeBytes`, all of which must have been written. When it
   * rejects, what was kept before still counts.
   */
  async keep(state: StagedState): Promise<void> {
    await this.#data.flush();
    await writeState(this.#folder, state);
  }

  /** Its decompressed form, another file of the same kind and within the same quota. Closed with this one. */
  async inflated({ expectBytes }: { readonly expectBytes?: number } = {}): Promise<StagedPart> {
    if (this.#closed !== undefined)
      throw new Refusal('CONFLICT', 'cannot inflate a staged file: it is closed');
    this.#inflated ??= openPart({ path: join(this.#folder, 'inflated'), room: this.#room, expectBytes });
    try {
      return await this.#inflated;
    } catch (error) {
      this.#inflated = undefined;
      throw error;
    }
  }

  /** Closes its files, and keeps them. May be called twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    try {
      const inflated = await this.#inflated?.catch(() => undefined);
      await inflated?.[Symbol.asyncDispose]();
      await this.#data[Symbol.asyncDispose]();
    } finally {
      this.#onClosed();
    }
  }
}
