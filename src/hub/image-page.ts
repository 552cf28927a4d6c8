import type { Image as WireImage } from '../rpc/generated/entrepot/v1/Image.ts';

/**
 * Copies in a page of a list. An image at a thousand stores brings a thousand, and a hundred such images
 * are more than one answer may hold, and more than a hub should be busy with for one caller.
 */
const COPIES_LIMIT = 2000;

/**
 * A page of a list, and where the next one begins: at most `limit` of the images, fewer when those have
 * very many copies, never none. `found`: in order, one more than `limit` when there are more.
 */
export function imagePage<Found extends { readonly id: string }>(
  found: readonly Found[],
  limit: number,
  shown: (image: Found) => WireImage,
): { readonly images: WireImage[]; readonly nextMarker: string } {
  const images: WireImage[] = [];
  let copies = 0;
  for (const one of found.slice(0, limit)) {
    const image = shown(one);
    copies += image.copies?.length ?? 0;
    if (copies > COPIES_LIMIT && images.length > 0) break;
    images.push(image);
  }
  const last = found[images.length - 1]?.id ?? '';
  return { images, nextMarker: images.length < found.length ? last : '' };
}
