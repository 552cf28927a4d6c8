import { join } from 'node:path';
import { isUuid } from '../../domain/ids.ts';
import { Refusal } from '../../domain/refusal.ts';
import { PARTIAL_PREFIX, requireImageId } from '../store.ts';

const POOL = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const SIDECAR_PREFIX = 'entrepot.meta.';

/**
 * What lies where:
 *
 *     <folder>/store.json                      the fsid, made once
 *     <folder>/store.lock                      held by the agent that serves the folder
 *     <folder>/<pool>/<uuid>                   a whole image; mode 0444 is its protected snapshot
 *     <folder>/<pool>/entrepot.partial.<uuid>  an image being written or removed
 *     <folder>/<pool>/entrepot.meta.<uuid>     its metadata, JSON, in either state
 *     <folder>/<pool>/clones/<uuid>/<name>     a clone of the whole image, named `<pool>/<name>`
 *     <folder>/<pool>/<name>                   an image of somebody else, raw: it can be adopted
 *
 * The metadata has one name for both states, so that one rename makes an image whole. It
 * counts only while there is an image: a leftover is removed before a new image is made.
 *
 * Files have no copy-on-write clones. To try how clones keep an image from being removed,
 * put a file of any content under clones/.
 */
export class Layout {
  readonly folder: string;
  readonly pool: string;

  constructor(folder: string, pool: string) {
    this.folder = folder;
    this.pool = pool;
  }

  get poolFolder(): string {
    return join(this.folder, this.pool);
  }

  get identity(): string {
    return join(this.folder, 'store.json');
  }

  get lock(): string {
    return join(this.folder, 'store.lock');
  }

  whole(imageId: string): string {
    return join(this.poolFolder, checked(imageId));
  }

  partial(imageId: string): string {
    return join(this.poolFolder, `${PARTIAL_PREFIX}${checked(imageId)}`);
  }

  sidecar(imageId: string): string {
    return join(this.poolFolder, `${SIDECAR_PREFIX}${checked(imageId)}`);
  }

  clones(imageId: string): string {
    return join(this.poolFolder, 'clones', checked(imageId));
  }

  /** INVALID for what cannot be a pool. */
  folderOf(pool: string): string {
    new Layout(this.folder, pool).requirePoolName();
    return join(this.folder, pool);
  }

  /** INVALID when the pool's name cannot be one folder's, or one of ours. */
  requirePoolName(): void {
    if (POOL.test(this.pool)) return;
    throw new Refusal('INVALID', `pool '${this.pool}' is not valid for a file store`, {
      hint: 'letters, digits, dashes and underscores, at most 63',
    });
  }
}

/** The image a name in the pool's folder stands for, whole or partial. */
export function imageIdOf(name: string): string | undefined {
  const id = name.startsWith(PARTIAL_PREFIX) ? name.slice(PARTIAL_PREFIX.length) : name;
  return isUuid(id) ? id : undefined;
}

/** An id becomes part of a path here, so that none but a UUID ever does. */
function checked(imageId: string): string {
  requireImageId(imageId);
  return imageId;
}
