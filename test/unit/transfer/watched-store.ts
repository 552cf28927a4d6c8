import type {
  Extent,
  PartialImage,
  ReadableImage,
  Space,
  Store,
  StoredImage,
} from '../../../src/store/store.ts';

export type StoreCall = keyof Store | keyof PartialImage;

/** Called around every call; what it throws is the call's failure. */
export type Around = (call: StoreCall, when: 'before' | 'after') => void | Promise<void>;

/** Wraps a store: lets faults in at any call, and counts what is going on. */
export class WatchedStore implements Store {
  readonly driver;
  /** Not watched. */
  readonly adoption;
  around: Around = () => {};
  /** Calls that have not settled. */
  active = 0;
  /** Images that are open. */
  openImages = 0;
  readonly calls: StoreCall[] = [];
  readonly #inner: Store;

  constructor(inner: Store) {
    this.#inner = inner;
    this.driver = inner.driver;
    this.adoption = inner.adoption;
  }

  start(): Promise<void> {
    return this.#inner.start();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#inner[Symbol.asyncDispose]());
  }

  identity(): Promise<{ readonly fsid: string; readonly pool: string }> {
    return this.watch('identity', () => this.#inner.identity());
  }

  space(): Promise<Space | undefined> {
    return this.watch('space', () => this.#inner.space());
  }

  list(): Promise<StoredImage[]> {
    return this.watch('list', () => this.#inner.list());
  }

  async openPartial(imageId: string, sizeBytes: number): Promise<PartialImage> {
    return await this.#opened('openPartial', () => this.#inner.openPartial(imageId, sizeBytes));
  }

  async openWhole(imageId: string): Promise<ReadableImage> {
    return await this.#opened(
      'openWhole',
      async () => (await this.#inner.openWhole(imageId)) as PartialImage,
    );
  }

  publish(imageId: string): Promise<void> {
    return this.watch('publish', () => this.#inner.publish(imageId));
  }

  discard(imageId: string): Promise<void> {
    return this.watch('discard', () => this.#inner.discard(imageId));
  }

  remove(imageId: string): Promise<void> {
    return this.watch('remove', () => this.#inner.remove(imageId));
  }

  children(imageId: string): Promise<string[]> {
    return this.watch('children', () => this.#inner.children(imageId));
  }

  async watch<T>(call: StoreCall, run: () => Promise<T>): Promise<T> {
    this.calls.push(call);
    this.active++;
    try {
      await this.around(call, 'before');
      const result = await run();
      await this.around(call, 'after');
      return result;
    } finally {
      this.active--;
    }
  }

  async #opened(call: 'openPartial' | 'openWhole', run: () => Promise<PartialImage>): Promise<WatchedImage> {
    let inner: PartialImage | undefined;
    try {
      await this.watch(call, async () => {
        inner = await run();
      });
    } catch (error) {
      // Failed after it had opened: a store that fails does not leave the image open.
      await inner?.[Symbol.asyncDispose]();
      throw error;
    }
    if (inner === undefined) throw new Error('opened nothing');
    this.openImages++;
    return new WatchedImage(inner, this);
  }
}

class WatchedImage implements PartialImage {
  readonly sizeBytes: number;
  readonly #inner: PartialImage;
  readonly #store: WatchedStore;
  #open = true;

  constructor(inner: PartialImage, store: WatchedStore) {
    this.sizeBytes = inner.sizeBytes;
    this.#inner = inner;
    this.#store = store;
  }

  read(offset: number, target: Uint8Array): Promise<void> {
    return this.#store.watch('read', () => this.#inner.read(offset, target));
  }

  extents(offset: number, length: number): Promise<Extent[]> {
    return this.#store.watch('extents', () => this.#inner.extents(offset, length));
  }

  metadata(key: string): Promise<string | undefined> {
    return this.#store.watch('metadata', () => this.#inner.metadata(key));
  }

  write(offset: number, source: Uint8Array): Promise<void> {
    return this.#store.watch('write', () => this.#inner.write(offset, source));
  }

  clear(offset: number, length: number): Promise<void> {
    return this.#store.watch('clear', () => this.#inner.clear(offset, length));
  }

  flush(): Promise<void> {
    return this.#store.watch('flush', () => this.#inner.flush());
  }

  setMetadata(key: string, value: string): Promise<void> {
    return this.#store.watch('setMetadata', () => this.#inner.setMetadata(key, value));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#open) this.#store.openImages--;
    this.#open = false;
    await this.#inner[Symbol.asyncDispose]();
  }
}
