import { Refusal } from '../../domain/refusal.ts';
import type { CephConnection } from './connection.ts';
import { ENOENT } from './errno.ts';
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
  static async open(connection: CephConnection, options: HandleOptions): Promise<ImageHandle | undefined> {
    const { imageId, id, access, snapshot = null } = options;
    const image: Out<Pointer> = [null];
    // Read-only sets no watch: nothing is left behind on an image that others use, also after a crash.
    const code =
      access === 'read'
        ? await native().rbd_open_by_id_read_only(connection.io, id, image, snapshot)
        : await native().rbd_open_by_id(connection.io, id, image, snapshot);
    if (code === -ENOENT) return undefined;
    connection.errors.check(code, `open image ${imageId}`);
    if (image[0] === null) throw new Refusal('INTERNAL', `librbd opened no image ${imageId}`);
    return new ImageHandle(imageId, image[0]);
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
