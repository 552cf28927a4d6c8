import type { Extent } from '../store.ts';
import type { Errors } from './errno.ts';
import type { ImageHandle } from './image-handle.ts';
import { decodeInfo, diffCallback, INFO_BYTES, native, type Out, type Pointer } from './librbd.ts';

/**
 * Objects in one call of rbd_diff_iterate2. It calls back once per object with data, 20 to 40 µs
 * each, and holds one thread meanwhile: half a second at most.
 */
const OBJECTS_PER_CALL = 16_384;

/** Extents of calls under way by the number that was given to C as the callback's argument. */
const listeners = new Map<Pointer, Extent[]>();
let callback: Pointer | undefined;
let lastTicket = 0n;

/** What an image is made of: data is told of in pieces of this size. */
export async function pieceBytes(handle: ImageHandle, errors: Errors): Promise<number> {
  return await handle.use(async (image) => {
    const info = Buffer.alloc(INFO_BYTES);
    const stripes: Out<number> = [null];
    const action = `read the layout of image ${handle.imageId}`;
    errors.check(await native().rbd_stat(image, info, info.length), action);
    errors.check(await native().rbd_get_stripe_count(image, stripes), action);
    return decodeInfo(info).objectBytes * (stripes[0] ?? 1);
  });
}

/**
 * Extents inside a range that lies inside the image. Whole objects are asked for: that is answered from the
 * object map, one read for a terabyte, instead of by one request per object; and an
 * object is a chunk. Early releases of Ceph 16.2 shift offsets when such a range does not begin with
 * an object (tracker 53784), so ranges are widened to objects here and the answers clipped; before
 * 17.2 the answers may be out of order (53885).
 */
export async function dataExtents(
  handle: ImageHandle,
  errors: Errors,
  range: Extent,
  objectBytes: number,
): Promise<Extent[]> {
  const end = range.offset + range.length;
  const step = objectBytes * OBJECTS_PER_CALL;
  const found: Extent[] = [];
  for (let at = range.offset - (range.offset % objectBytes); at < end; at += step) {
    const length = Math.min(step, Math.ceil((end - at) / objectBytes) * objectBytes);
    found.push(...(await diff(handle, errors, { offset: at, length })));
  }
  return joined(found, range);
}

async function diff(handle: ImageHandle, errors: Errors, { offset, length }: Extent): Promise<Extent[]> {
  callback ??= diffCallback(hear);
  const listener = callback;
  lastTicket += 1n;
  const ticket = lastTicket;
  const found: Extent[] = [];
  listeners.set(ticket, found);
  try {
    const code = await handle.use((image) =>
      native().rbd_diff_iterate2(image, null, offset, length, 1, 1, listener, ticket),
    );
    errors.check(code, `find the data of image ${handle.imageId}`);
    return found;
  } finally {
    listeners.delete(ticket);
  }
}

function hear(offset: number, length: number, exists: number, ticket: Pointer): void {
  if (exists !== 0) listeners.get(ticket)?.push({ offset, length });
}

/** In rising order, neighbours joined, clipped to the range. */
export function joined(extents: readonly Extent[], range: Extent): Extent[] {
  const rangeEnd = range.offset + range.length;
  const result: { offset: number; length: number }[] = [];
  for (const extent of extents.toSorted((one, other) => one.offset - other.offset)) {
    const offset = Math.max(extent.offset, range.offset);
    const end = Math.min(extent.offset + extent.length, rangeEnd);
    if (end <= offset) continue;
    const last = result.at(-1);
    if (last !== undefined && offset <= last.offset + last.length) {
      last.length = Math.max(last.length, end - last.offset);
    } else {
      result.push({ offset, length: end - offset });
    }
  }
  return result;
}
