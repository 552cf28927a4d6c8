import { onlyByCopying } from '../../store/adoption.ts';
import type { Store } from '../../store/store.ts';
import type { AdoptSource } from '../messages.ts';

/** What adopting an image comes to, a sentence for each step; the refusals of adopting it. Changes nothing. */
export async function examineAdoption(
  store: Store,
  source: AdoptSource,
  imageId: string,
): Promise<{ readonly sizeBytes: number; readonly steps: string[] }> {
  const found = await store.adoption.examine(source);
  const name = `${source.pool}/${source.image}`;
  const newName = imageId === '' ? 'the UUID of the image' : imageId;
  const obstacle = onlyByCopying(source, found, newName, source.move);
  if (obstacle !== undefined && source.move) throw obstacle;
  const { sizeBytes, hasSnap, snapProtected, openAt } = found;
  const open =
    openAt.length > 0 && (obstacle === undefined || !hasSnap)
      ? [`refuse it for as long as it is open for writing at ${openAt.join(', ')}`]
      : [];
  if (obstacle !== undefined) {
    const from = hasSnap ? `${name}@snap` : name;
    return {
      sizeBytes,
      steps: [...open, `copy ${from} into the pool of the store, since ${obstacle.message}`, ...LAST],
    };
  }
  return {
    sizeBytes,
    steps: [
      ...open,
      ...(hasSnap ? [] : [`make the snapshot ${name}@snap`]),
      ...(snapProtected ? [] : [`protect the snapshot ${name}@snap`]),
      ...(source.image === imageId ? [] : [`rename ${name} to ${newName}`]),
      ...LAST,
    ],
  };
}

const LAST = ['read all of it for its digests', 'list it in the catalogue'];
