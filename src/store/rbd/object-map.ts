import type { CephConnection } from './connection.ts';
import type { ImageHandle } from './image-handle.ts';
import { native, type Out, type Pointer, progressCallback } from './librbd.ts';

/** RBD_FLAG_OBJECT_MAP_INVALID and RBD_FLAG_FAST_DIFF_INVALID */
const INVALID_FLAGS = 0b11;

let progress: Pointer | undefined;

/**
 * False when librbd does not trust the map of which objects exist: it was never made, creating the image having
 * been cut, or an update of it failed while the site was away. Whoever opens an image at a snapshot without
 * a sound map is told that there is none.
 */
export async function isMapValid(connection: CephConnection, handle: ImageHandle): Promise<boolean> {
  const flags: Out<number> = [null];
  const code = await handle.use((image) => native().rbd_get_flags(image, flags));
  connection.errors.check(code, `read the flags of image ${handle.imageId}`);
  return ((flags[0] ?? 0) & INVALID_FLAGS) === 0;
}

/** Looks at every object: a short request to an OSD for each 4 MiB. Of a snapshot, nobody else uses the handle meanwhile. */
export async function rebuildMap(
  connection: CephConnection,
  handle: ImageHandle,
  snapshot?: string,
): Promise<void> {
  const { errors } = connection;
  progress ??= progressCallback();
  const callback = progress;
  const what = `the object map of ${snapshot === undefined ? '' : `snapshot ${snapshot} of `}image ${handle.imageId}`;
  await handle.use(async (image) => {
    if (snapshot !== undefined) errors.check(await native().rbd_snap_set(image, snapshot), `turn to ${what}`);
    try {
      errors.check(await native().rbd_rebuild_object_map(image, callback, null), `rebuild ${what}`);
    } finally {
      if (snapshot !== undefined) errors.check(await native().rbd_snap_set(image, null), `turn from ${what}`);
    }
  });
}
