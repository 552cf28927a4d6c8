import type { CephConnection } from './connection.ts';
import type { ImageHandle } from './image-handle.ts';
import { native, type Out, type Pointer, progressCallback } from './librbd.ts';

/** RBD_FLAG_OBJECT_MAP_INVALID and RBD_FLAG_FAST_DIFF_INVALID */
const INVALID_FLAGS = 0b11;

let progress: Pointer | undefined;

/**
 * False when librbd does not trust the map of which objects exist: it was never made, creating the image having
 * been cut, or an update of it failed while the site was away. A snapshot of such an image cannot be
 * opened for reading, although it is there.
 */
export async function isMapValid(connection: CephConnection, handle: ImageHandle): Promise<boolean> {
  const flags: Out<number> = [null];
  const code = await handle.use((image) => native().rbd_get_flags(image, flags));
  connection.errors.check(code, `read the flags of image ${handle.imageId}`);
  return ((flags[0] ?? 0) & INVALID_FLAGS) === 0;
}

/** Looks at every object: a short request to an OSD for each 4 MiB. */
export async function rebuildMap(connection: CephConnection, handle: ImageHandle): Promise<void> {
  progress ??= progressCallback();
  const callback = progress;
  const code = await handle.use((image) => native().rbd_rebuild_object_map(image, callback, null));
  connection.errors.check(code, `rebuild the object map of image ${handle.imageId}`);
}
