import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore, type FileStoreOptions } from '../../../src/store/file/file-store.ts';

/** A temporary folder for file stores, removed with all that is in it. */
export class StoreFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<StoreFolder> {
    return new StoreFolder(await mkdtemp(join(tmpdir(), 'entrepot-file-')));
  }

  /** Path of a name in the pool `images`. */
  inPool(name: string): string {
    return join(this.path, 'images', name);
  }

  async open(options: Partial<FileStoreOptions> = {}): Promise<FileStore> {
    const store = new FileStore({ folder: this.path, pool: 'images', ...options });
    await store.start();
    return store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
