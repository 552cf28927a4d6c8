import type { Catalogue } from '../catalogue/catalogue.ts';
import type { StoredImage } from '../store/store.ts';

/** What a store's inventory says about the catalogue. */
export interface Reconciliation {
  /** Present copies the store does not hold. */
  readonly lost: readonly string[];
  /** Present copies of another size than the image. */
  readonly corrupt: readonly string[];
  /** Partial images that no job, now or later, will go on with. */
  readonly leftovers: readonly string[];
}

/**
 * Compares what a store holds with what the catalogue says it does, and writes down what
 * was lost. Images the catalogue does not know are left alone: the pool may have other users.
 */
export function reconcile(
  catalogue: Catalogue,
  storeId: string,
  inventory: readonly StoredImage[],
): Reconciliation {
  const busy = new Set(catalogue.tasks.unended(storeId).map((task) => task.imageId));
  const whole = new Map<string, number>();
  for (const image of inventory) if (image.form === 'whole') whole.set(image.imageId, image.sizeBytes);
  return catalogue.transact(() => {
    const lost: string[] = [];
    const corrupt: string[] = [];
    for (const { imageId } of catalogue.copies.ofStore(storeId, ['present'])) {
      if (busy.has(imageId)) continue;
      const sizeBytes = whole.get(imageId);
      if (sizeBytes === undefined) {
        catalogue.copies.set(imageId, storeId, 'lost', {
          reason: `store ${storeId} no longer holds the image`,
        });
        lost.push(imageId);
      } else if (sizeBytes !== catalogue.images.get(imageId).data?.sizeBytes) {
        const reason = `the image at ${storeId} is ${sizeBytes} bytes long`;
        catalogue.copies.set(imageId, storeId, 'corrupt', { reason });
        corrupt.push(imageId);
      }
    }
    // A failed copy keeps what it has: the next copy to this store goes on from there.
    const failed = new Set(catalogue.copies.ofStore(storeId, ['failed']).map(({ imageId }) => imageId));
    const leftovers = inventory
      .filter(({ form, imageId }) => form === 'partial' && !busy.has(imageId) && !failed.has(imageId))
      .map(({ imageId }) => imageId);
    return { lost, corrupt, leftovers };
  });
}
