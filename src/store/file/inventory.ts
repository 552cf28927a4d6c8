import { readdir } from 'node:fs/promises';
import type { StoredImage } from '../store.ts';
import { fileStat, isProtected } from './files.ts';
import { imageIdOf, type Layout } from './layout.ts';

export interface FoundImage extends StoredImage {
  readonly allocatedBytes: number;
}

/** The whole and the partial images of the pool. Rejects as node:fs does. */
export async function findImages(layout: Layout): Promise<FoundImage[]> {
  const names = await readdir(layout.poolFolder);
  const ids = new Set(names.map(imageIdOf).filter((id) => id !== undefined));
  const found = await Promise.all([...ids].map((id) => find(layout, id)));
  return found.filter((image) => image !== undefined);
}

/** In this order, so that an image published meanwhile is found under one name or the other. */
async function find(layout: Layout, imageId: string): Promise<FoundImage | undefined> {
  const partial = await fileStat(layout.partial(imageId));
  const whole = await fileStat(layout.whole(imageId));
  const isWhole = whole !== undefined && isProtected(whole);
  const stat = isWhole ? whole : partial;
  if (stat === undefined) return undefined;
  const form = isWhole ? 'whole' : 'partial';
  return { imageId, form, sizeBytes: stat.size, allocatedBytes: stat.blocks * 512 };
}
