import { Refusal } from '../../domain/refusal.ts';
import { SNAPSHOT_NAME } from '../../domain/store.ts';
import { Turns } from '../file/turns.ts';
import type { PartialImage, ReadableImage, Space, Store, StoredImage } from '../store.ts';
import { RbdAdoption } from './adoption.ts';
import { listChildren } from './children.ts';
import { CephConnection, type ConnectionOptions } from './connection.ts';
import { ImageHandle } from './image-handle.ts';
import { listImages } from './inventory.ts';
import { LifeCycle } from './life-cycle.ts';
import { type Layout, RbdImage, RbdPartialImage, readLayout } from './rbd-image.ts';
import { protectedSnapshot } from './snapshot.ts';
import { UnderWay } from './under-way.ts';

export type RbdStoreOptions = ConnectionOptions;

/** A partial image that is open, however often: one handle, so that it does not fight itself for the lock. */
interface OpenPartial {
  readonly handle: ImageHandle;
  readonly layout: Layout;
  users: number;
}

/** The driver for a Ceph pool, through librbd. One agent per pool writes it; see docs/ceph.md. */
export class RbdStore implements Store {
  readonly driver = 'rbd';
  readonly adoption: RbdAdoption;
  readonly #connection: CephConnection;
  readonly #lifeCycle: LifeCycle;
  /** One change at a time per image. */
  readonly #turns = new Turns();
  readonly #underWay = new UnderWay();
  readonly #partials = new Map<string, OpenPartial>();
  readonly #readers = new Map<string, Set<ImageHandle>>();
  #state: 'new' | 'started' | 'closing' = 'new';

  constructor(options: RbdStoreOptions) {
    this.#connection = new CephConnection(options);
    this.#lifeCycle = new LifeCycle(this.#connection);
    this.adoption = new RbdAdoption({
      connection: this.#connection,
      lifeCycle: this.#lifeCycle,
      inTurn: (key, work) => this.#change(key, work),
      requireClosed: (imageId) => this.#requireClosed(imageId, 'adopt an image as'),
      lend: (handle) => this.#lend(handle.imageId, handle),
    });
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') return;
    await this.#connection.connect();
    this.#state = 'started';
  }

  /** Closes all images and the connection. It may be started again, which makes a new client of the cluster. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== 'started') return;
    this.#state = 'closing';
    await this.#underWay.drained();
    const readers = [...this.#readers.values()].flatMap((handles) => [...handles]);
    const writers = [...this.#partials.values()].map(({ handle }) => handle);
    await Promise.all([...readers, ...writers].map((handle) => handle[Symbol.asyncDispose]()));
    this.#readers.clear();
    this.#partials.clear();
    await this.#connection.close();
    this.#state = 'new';
  }

  async identity(): Promise<{ readonly fsid: string; readonly pool: string }> {
    return { fsid: this.#connection.fsid, pool: this.#connection.pool };
  }

  async space(): Promise<Space | undefined> {
    return await this.#run(() => this.#connection.space());
  }

  async list(): Promise<StoredImage[]> {
    return await this.#run(() => listImages(this.#connection));
  }

  async openPartial(imageId: string, sizeBytes: number): Promise<PartialImage> {
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
      throw new Refusal('INVALID', `image size ${sizeBytes} is not a number of bytes`);
    }
    return await this.#change(imageId, async () => {
      const open = this.#partials.get(imageId) ?? (await this.#openPartial(imageId, sizeBytes));
      if (open.layout.sizeBytes !== sizeBytes) {
        throw new Refusal(
          'IN_USE',
          `image ${imageId} is being written with ${open.layout.sizeBytes} bytes, not ${sizeBytes}`,
        );
      }
      open.users += 1;
      const { errors } = this.#connection;
      return new RbdPartialImage(open.handle, errors, open.layout, () => this.#releasePartial(imageId, open));
    });
  }

  async openWhole(imageId: string): Promise<ReadableImage> {
    return await this.#change(imageId, async () => {
      const { whole: id } = await this.#lifeCycle.names.find(imageId);
      if (id === undefined) {
        throw new Refusal(
          'NOT_FOUND',
          `there is no whole image ${imageId} in pool '${this.#connection.pool}'`,
        );
      }
      const options = { imageId, id, access: 'read', snapshot: SNAPSHOT_NAME } as const;
      const isProtected = (await protectedSnapshot(this.#connection, id)) !== undefined;
      const handle = isProtected ? await ImageHandle.open(this.#connection, options) : undefined;
      if (handle === undefined) {
        const name = `${this.#connection.pool}/${imageId}`;
        throw new Refusal('NOT_FOUND', `image ${name} has no protected snapshot '${SNAPSHOT_NAME}'`, {
          hint: `not made by Entrepot? entrepot image adopt makes it a whole image; rbd snap ls ${name}`,
        });
      }
      return await this.#lend(imageId, handle);
    });
  }

  async publish(imageId: string): Promise<void> {
    await this.#change(imageId, async () => {
      this.#requireClosed(imageId, 'publish');
      await this.#lifeCycle.publish(imageId);
    });
  }

  async discard(imageId: string): Promise<void> {
    await this.#change(imageId, async () => {
      this.#requireClosed(imageId, 'discard');
      await this.#lifeCycle.discard(imageId);
    });
  }

  async remove(imageId: string): Promise<void> {
    await this.#change(imageId, async () => {
      const readers = this.#readers.get(imageId)?.size ?? 0;
      // They would go on reading, and find zeros.
      if (readers > 0) throw new Refusal('IN_USE', `image ${imageId} is being read by this agent`);
      await this.#lifeCycle.remove(imageId);
    });
  }

  async children(imageId: string): Promise<string[]> {
    return await this.#change(imageId, async () => {
      const { whole } = await this.#lifeCycle.names.find(imageId);
      return whole === undefined ? [] : await listChildren(this.#connection, imageId, whole);
    });
  }

  async #openPartial(imageId: string, sizeBytes: number): Promise<OpenPartial> {
    const handle = await this.#lifeCycle.openPartial(imageId, sizeBytes);
    const open = { handle, layout: await layoutOrClose(handle, this.#connection), users: 0 };
    this.#partials.set(imageId, open);
    return open;
  }

  async #releasePartial(imageId: string, open: OpenPartial): Promise<void> {
    open.users -= 1;
    if (open.users > 0) return;
    // Closed before it is forgotten: nobody opens it anew beside the closing.
    await this.#turns.take(imageId, async () => {
      if (open.users > 0) return;
      await open.handle[Symbol.asyncDispose]();
      if (this.#partials.get(imageId) === open) this.#partials.delete(imageId);
    });
  }

  async #lend(key: string, handle: ImageHandle): Promise<ReadableImage> {
    const layout = await layoutOrClose(handle, this.#connection);
    this.#addReader(key, handle);
    return new RbdImage(handle, this.#connection.errors, layout, () => this.#releaseReader(key, handle));
  }

  #addReader(imageId: string, handle: ImageHandle): void {
    const handles = this.#readers.get(imageId) ?? new Set();
    handles.add(handle);
    this.#readers.set(imageId, handles);
  }

  async #releaseReader(imageId: string, handle: ImageHandle): Promise<void> {
    await handle[Symbol.asyncDispose]();
    const handles = this.#readers.get(imageId);
    handles?.delete(handle);
    if (handles?.size === 0) this.#readers.delete(imageId);
  }

  #requireClosed(imageId: string, verb: string): void {
    if (!this.#partials.has(imageId)) return;
    throw new Refusal('IN_USE', `cannot ${verb} image ${imageId}: this agent still writes it`);
  }

  /** Work on one image, after whatever else is being done with it. */
  #change<T>(imageId: string, work: () => Promise<T>): Promise<T> {
    return this.#run(() => this.#turns.take(imageId, work));
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#state === 'started') return await this.#underWay.during(work);
    throw new Refusal('UNAVAILABLE', `the store of pool '${this.#connection.pool}' is not open`);
  }
}

async function layoutOrClose(handle: ImageHandle, connection: CephConnection): Promise<Layout> {
  try {
    return await readLayout(handle, connection.errors);
  } catch (error) {
    await handle[Symbol.asyncDispose]();
    throw error;
  }
}
