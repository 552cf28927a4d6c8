import { Refusal } from '../../domain/refusal.ts';
import type { PoolAccess } from './connection.ts';
import { ENOENT, type Errors } from './errno.ts';
import { native, type Out, type Pointer } from './librbd.ts';
import { UnderWay } from './under-way.ts';

export interface HandleOptions {
  readonly imageId: string;
  /** Ceph's id of it. */
  readonly id: string;
  readonly access: 'read' | 'write';
  /** To read from this snapshot instead of the head. */
  readonly snapshot?: string;
}

/**
 * An image that librbd holds open. C must not see the pointer after rbd_close, nor
 * rbd_close run beside another call: `use` refuses once closing has begun, and closing
 * waits for what is under way.
 */
export class ImageHandle implements AsyncDisposable {
  readonly imageId: string;
  readonly #pointer: Pointer;
  readonly #underWay = new UnderWay();
  #closed: Promise<void> | undefined;

  private constructor(imageId: string, pointer: Pointer) {
    this.imageId = imageId;
    this.#pointer = pointer;
  }

  /** Undefined when there is no such image, or no such snapshot. */
  static async open(pool: PoolAccess, options: HandleOptions): Promise<ImageHandle | undefined> {
    const { imageId, id, snapshot } = options;
    const image: Out<Pointer> = [null];
    // Read-only sets no watch: nothing is left behind on an image that others use, also after a crash.
    const code =
      options.access === 'read'
        ? await native().rbd_open_by_id_read_only(pool.io, id, image, null)
        : await native().rbd_open_by_id(pool.io, id, image, null);
    if (code === -ENOENT) return undefined;
    pool.errors.check(code, `open image ${imageId}`);
    if (image[0] === null) throw new Refusal('INTERNAL', `librbd opened no image ${imageId}`);
    const handle = new ImageHandle(imageId, image[0]);
    if (snapshot === undefined) return handle;
    try {
      if (await handle.#turnTo(snapshot, pool.errors)) return handle;
    } catch (error) {
      await handle[Symbol.asyncDispose]();
      throw error;
    }
    await handle[Symbol.asyncDispose]();
    return undefined;
  }

  /**
   * False when there is no such snapshot. Not by opening the image at it: where the snapshot has no object map, librbd
   * (16.2) says then that there is none, ends that opening a second time, after its image was freed, and now and
   * then the whole process with it (std::system_error in ImageState::handle_open).
   */
  async #turnTo(snapshot: string, errors: Errors): Promise<boolean> {
    const code = await native().rbd_snap_set(this.#pointer, snapshot);
    if (code === -ENOENT) return false;
    errors.check(code, `turn to snapshot ${snapshot} of image ${this.imageId}`);
    return true;
  }

  /** CONFLICT when it is closed. */
  async use<T>(work: (image: Pointer) => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) {
      throw new Refusal('CONFLICT', `image ${this.imageId} is closed`);
    }
    return await this.#underWay.during(() => work(this.#pointer));
  }

  /** Waits for calls under way. Twice is once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    await this.#underWay.drained();
    // Without a cache nothing is written here, so nothing can be lost: what fails is giving back
    // lock and watch, which a site that is away takes back by itself. The image is freed either way.
    await native().rbd_close(this.#pointer);
  }
}
