import { lstat, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isUuid, parseUuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { makeFolder, syncFolder } from '../store/file/durable.ts';
import { attempt, errnoCode } from '../store/file/errno.ts';
import { openPart } from './open-part.ts';
import { Room } from './room.ts';
import { StagedFile } from './staged-file.ts';
import { STAT_BLOCK_BYTES } from './staged-part.ts';
import { removeState, type StagedState, stateOf } from './state.ts';

export interface StagingOptions {
  /** Nobody else's; made when absent. */
  readonly folder: string;
  /** What all staged files together may take on disk, in bytes. */
  readonly quotaBytes: number;
}

export interface OpenOptions {
  /** The size of the file that is brought, where it is known: all of it is then claimed at once. */
  readonly expectBytes?: number;
  /**
   * For the task that brings the file: there is what it kept itself, and nothing else. Left out: all that is there, of
   * whomever.
   */
  readonly taskId?: string;
}

/** Files that were brought and are not in the store yet: one folder per image, all within a quota. */
export class Staging implements AsyncDisposable {
  readonly #folder: string;
  readonly #room: Room;
  readonly #open = new Map<string, Promise<StagedFile>>();
  readonly #known = new Set<string>();
  readonly #removing = new Map<string, Promise<void>>();

  constructor({ folder, quotaBytes }: StagingOptions) {
    this.#folder = folder;
    this.#room = new Room(quotaBytes);
  }

  get folder(): string {
    return this.#folder;
  }

  /** Whatever is there, of this agent or one before it. */
  get imageIds(): string[] {
    return [...this.#known];
  }

  /** On disk, or about to be. */
  get usedBytes(): number {
    return this.#room.usedBytes;
  }

  /** What is neither on disk nor claimed by a file that is being brought. */
  get freeBytes(): number {
    return this.#room.freeBytes;
  }

  /**
   * Makes the folder, for its owner only, and counts what is there. INVALID when others can enter it. Must come
   * first. What somebody puts there later on is not ours, and is not seen before the next start.
   */
  async start(): Promise<void> {
    await attempt('open the staging folder', async () => {
      await makeFolder(this.#folder);
      this.#requirePrivate((await stat(this.#folder)).mode);
      await this.#removeSockets();
      for (const imageId of await this.#imageIds()) {
        this.#known.add(imageId);
        await this.#count(imageId);
      }
    });
  }

  /** What an attempt of the task before this one has kept of an image's file. Undefined: nothing. */
  async kept(imageId: string, taskId: string): Promise<StagedState | undefined> {
    return await stateOf(this.#pathOf(imageId), taskId);
  }

  /**
   * What is staged of an image, begun anew or gone on with: `sizeBytes` says. NO_SPACE when it does not fit, CONFLICT
   * while somebody else has it open.
   */
  async open(imageId: string, options: OpenOptions = {}): Promise<StagedFile> {
    const id = parseUuid(imageId);
    if (this.#open.has(id)) throw new Refusal('CONFLICT', `the staged file of image ${id} is open already`);
    const opening = this.#openFolder(id, options);
    this.#open.set(id, opening);
    this.#known.add(id);
    try {
      return await opening;
    } catch (error) {
      this.#open.delete(id);
      throw error;
    }
  }

  /** Removes all that is staged of the image, closing it first. Nothing to do when there is nothing. */
  async discard(imageId: string): Promise<void> {
    const id = parseUuid(imageId);
    if (!this.#known.has(id)) return;
    const file = await this.#open.get(id)?.catch(() => undefined);
    await file?.[Symbol.asyncDispose]();
    await attempt('remove a staged file', () => this.#remove(id));
  }

  /** Closes what is open, and keeps it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const files = await Promise.allSettled(this.#open.values());
    for (const file of files) if (file.status === 'fulfilled') await file.value[Symbol.asyncDispose]();
  }

  async #openFolder(imageId: string, { expectBytes, taskId }: OpenOptions): Promise<StagedFile> {
    await this.#removing.get(imageId)?.catch(() => undefined);
    const folder = this.#pathOf(imageId);
    await attempt('make a staging folder', async () => {
      const made = await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => error);
      if (made === undefined) await syncFolder(this.#folder);
      else if (errnoCode(made) !== 'EEXIST' || !(await lstat(folder)).isDirectory()) throw made;
    });
    const room = this.#room;
    const keepBytes = taskId === undefined ? undefined : await this.#clear(folder, taskId);
    const data = await openPart({ path: join(folder, 'data'), room, expectBytes, keepBytes });
    return new StagedFile({ imageId, folder, data, room, onClosed: () => this.#open.delete(imageId) });
  }

  /** Takes away what is not of this task, or not to be gone on with. How many bytes of the file are. */
  async #clear(folder: string, taskId: string): Promise<number> {
    const kept = await stateOf(folder, taskId);
    await attempt('clear a staging folder', async () => {
      const inflated = join(folder, 'inflated');
      await rm(inflated, { force: true });
      this.#room.forget(inflated);
      if (kept === undefined) await removeState(folder);
      await syncFolder(folder);
    });
    return kept?.sizeBytes ?? 0;
  }

  /** Who opens it meanwhile waits, and begins anew. */
  async #remove(imageId: string): Promise<void> {
    const removing = this.#removing.get(imageId) ?? this.#removeFolder(imageId);
    this.#removing.set(imageId, removing);
    try {
      await removing;
    } finally {
      this.#removing.delete(imageId);
    }
  }

  async #removeFolder(imageId: string): Promise<void> {
    const folder = this.#pathOf(imageId);
    // Of a symlink, the link; nothing inside is followed either.
    await rm(folder, { recursive: true, force: true });
    await syncFolder(this.#folder);
    for (const name of ['data', 'inflated']) this.#room.forget(join(folder, name));
    this.#known.delete(imageId);
  }

  /** Of conversions that an agent before this one was killed in: nobody listens there any more. */
  async #removeSockets(): Promise<void> {
    for (const entry of await readdir(this.#folder, { withFileTypes: true })) {
      if (entry.isSocket()) await rm(join(this.#folder, entry.name), { force: true });
    }
  }

  /** One that was there before us may be anything, so its mode is not for us to change. */
  #requirePrivate(mode: number): void {
    if ((mode & 0o077) === 0) return;
    throw new Refusal('INVALID', `others can enter the staging folder ${this.#folder}`, {
      hint: `give staging a folder of its own, or: chmod 700 ${this.#folder}`,
    });
  }

  async #count(imageId: string): Promise<void> {
    for (const name of ['data', 'inflated']) {
      const path = join(this.#pathOf(imageId), name);
      const found = await lstat(path).catch(() => undefined);
      if (found?.isFile() === true) this.#room.settle(path, found.blocks * STAT_BLOCK_BYTES);
    }
  }

  /** All names in the folder that are UUIDs as we write them. */
  async #imageIds(): Promise<string[]> {
    return (await readdir(this.#folder)).filter(isUuid);
  }

  #pathOf(imageId: string): string {
    return join(this.#folder, parseUuid(imageId));
  }
}
