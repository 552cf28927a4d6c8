import { Refusal } from '../../domain/refusal.ts';
import { PARTIAL_PREFIX } from '../store.ts';
import type { CephConnection } from './connection.ts';
import { Decoder, encodedInt64, encodedString } from './encoding.ts';
import { EDQUOT, ENOENT, ENOSPC, ERANGE } from './errno.ts';
import { decodeSpecs, native, SPEC_BYTES } from './librbd.ts';

const FIRST_LIST_IMAGES = 1024;
const TRASH_PAGE = 512;

/** Ceph's ids (not UUIDs) of the images behind the two names an image may have. */
export interface Names {
  readonly whole: string | undefined;
  readonly partial: string | undefined;
}

export function partialName(imageId: string): string {
  return PARTIAL_PREFIX + imageId;
}

/**
 * A name lives in two objects: the pool's directory (`rbd_directory`, name to id and back) and the
 * name's own (`rbd_id.<name>`), by which others open the image. Renaming takes three steps: the new
 * `rbd_id`, the directory (at once), the old `rbd_id`. librbd does the same, but cut in between it
 * refuses for ever to go on, a full pool keeps it from renaming what is about to be removed, and it opens the
 * image for it, so that a crash leaves a watch. So the steps are done here, each may be repeated,
 * the directory decides what an image is called, and images are opened by id.
 */
export class ImageNames {
  readonly #connection: CephConnection;

  constructor(connection: CephConnection) {
    this.#connection = connection;
  }

  /** What the directory says. */
  async find(imageId: string): Promise<Names> {
    const [whole, partial] = await Promise.all([
      this.#idInDirectory(imageId),
      this.#idInDirectory(partialName(imageId)),
    ]);
    return { whole, partial };
  }

  /** The same, after clearing away what a rename or create that was cut has left. */
  async settle(imageId: string): Promise<Names> {
    const names = await this.find(imageId);
    await Promise.all([
      this.#settleName(imageId, names.whole),
      this.#settleName(partialName(imageId), names.partial),
    ]);
    return names;
  }

  /** Ceph's id of an image that librbd was removing under this name when it was cut. */
  async findInTrash(name: string): Promise<string | undefined> {
    for (let after = ''; ; ) {
      const page = await this.#trashAfter(after);
      const found = page.find((entry) => entry.name === name);
      if (found !== undefined || page.length < TRASH_PAGE) return found?.id;
      after = page.at(-1)?.id ?? '';
    }
  }

  /**
   * Goes on where an earlier call was cut. With `to` a partial's name it does not need space: without a
   * name's own object nobody else can open the partial, and the old one is kept for the way back.
   */
  async rename(id: string, from: string, to: string): Promise<void> {
    const { errors, io } = this.#connection;
    const action = `rename image ${from} to ${to}`;
    const taken = await this.#idOf(to);
    if (taken !== undefined && taken !== id) {
      throw new Refusal('ALREADY_EXISTS', `another image is called ${to} in pool '${this.#connection.pool}'`);
    }
    const content = encodedString(id);
    const made =
      taken === id ? 0 : await native().rados_write_full(io, `rbd_id.${to}`, content, content.length);
    const isFull = made === -ENOSPC || made === -EDQUOT;
    if (!(isFull && to.startsWith(PARTIAL_PREFIX))) errors.check(made, action);
    const names = Buffer.concat([from, to, id].map(encodedString));
    errors.check((await this.#connection.exec('rbd_directory', 'dir_rename_image', names)).code, action);
    if (!isFull) await this.#removeObject(`rbd_id.${from}`);
  }

  /** After a rename that was cut, or not: nothing opens the image by its old name any more. */
  async dropOldName(id: string, name: string): Promise<void> {
    if ((await this.#idInDirectory(name)) === id || (await this.#idOf(name)) !== id) return;
    await this.#removeObject(`rbd_id.${name}`);
  }

  /** Forgets a name whose image is gone. */
  async forget(id: string, name: string): Promise<void> {
    const { errors } = this.#connection;
    await this.#removeObject(`rbd_id.${name}`);
    for (const [object, method, input] of [
      ['rbd_directory', 'dir_remove_image', Buffer.concat([encodedString(name), encodedString(id)])],
      ['rbd_trash', 'trash_remove', encodedString(id)],
    ] as const) {
      const { code } = await this.#connection.exec(object, method, input);
      if (code !== -ENOENT) errors.check(code, `take image ${name} off the pool's list`);
    }
  }

  /** Makes the name's own object agree with the directory. */
  async #settleName(name: string, id: string | undefined): Promise<void> {
    const named = await this.#idOf(name);
    if (named === id) return;
    // Listed but not openable by name: a removal was cut after this step; removing goes on from there.
    if (named === undefined) return;
    await this.#removeObject(`rbd_id.${name}`);
  }

  /** What the name's own object says. */
  #idOf(name: string): Promise<string | undefined> {
    return this.#read(`rbd_id.${name}`, 'get_id', Buffer.alloc(0));
  }

  async #removeObject(object: string): Promise<void> {
    const code = await native().rados_remove(this.#connection.io, object);
    if (code !== -ENOENT) this.#connection.errors.check(code, `remove object ${object}`);
  }

  async #trashAfter(id: string): Promise<{ id: string; name: string }[]> {
    const input = Buffer.concat([encodedString(id), encodedInt64(TRASH_PAGE)]);
    const { code, data } = await this.#connection.exec('rbd_trash', 'trash_list', input);
    if (code === -ENOENT) return [];
    this.#connection.errors.check(code, `look into the trash of pool '${this.#connection.pool}'`);
    const decoder = new Decoder(data);
    return decoder.list(() => {
      const entryId = decoder.string();
      const name = decoder.struct(() => {
        decoder.uint8();
        return decoder.string();
      });
      return { id: entryId, name };
    });
  }

  #idInDirectory(name: string): Promise<string | undefined> {
    return this.#read('rbd_directory', 'dir_get_id', encodedString(name));
  }

  async #read(object: string, method: string, input: Buffer): Promise<string | undefined> {
    const { code, data } = await this.#connection.exec(object, method, input);
    if (code === -ENOENT) return undefined;
    this.#connection.errors.check(code, `look up an image in pool '${this.#connection.pool}'`);
    return new Decoder(data).string();
  }
}

/** All names in the pool with Ceph's ids, and those of images whose removal was cut. */
export async function listNames(
  connection: CephConnection,
): Promise<{ readonly id: string; readonly name: string }[]> {
  for (let room = FIRST_LIST_IMAGES; ; ) {
    const buffer = Buffer.alloc(room * SPEC_BYTES);
    const count: [number] = [room];
    const code = await native().rbd_list2(connection.io, buffer, count);
    if (code !== -ERANGE) {
      connection.errors.check(code, `list the images of pool '${connection.pool}'`);
      const specs = decodeSpecs(buffer, count[0]);
      await native().rbd_image_spec_list_cleanup(buffer, count[0]);
      return specs;
    }
    room = Math.max(count[0], room * 2);
  }
}
