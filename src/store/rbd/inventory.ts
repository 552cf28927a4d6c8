import { isUuid } from '../../domain/ids.ts';
import { PARTIAL_PREFIX, type StoredImage } from '../store.ts';
import type { CephConnection } from './connection.ts';
import { HEAD } from './encoding.ts';
import { Gate } from './gate.ts';
import { listNames } from './names.ts';
import { askHeader, protectedSnapshot } from './snapshot.ts';

/** Images asked about at a time: some short requests to an OSD each. */
const LIST_WIDTH = 8;

interface Named {
  /** Ceph's ids of the images behind the two names. */
  whole?: string;
  partial?: string;
}

/** From the pool's directory and the images' headers: nothing is opened. */
export async function listImages(connection: CephConnection): Promise<StoredImage[]> {
  const named = new Map<string, Named>();
  for (const { id, name } of await listNames(connection)) {
    const imageId = name.startsWith(PARTIAL_PREFIX) ? name.slice(PARTIAL_PREFIX.length) : name;
    if (!isUuid(imageId)) continue;
    const form = name === imageId ? 'whole' : 'partial';
    named.set(imageId, { ...named.get(imageId), [form]: id });
  }
  const width = new Gate(LIST_WIDTH);
  const images = await Promise.all(
    [...named].map(async ([imageId, names]) => {
      await width.enter();
      try {
        return await look(connection, imageId, names);
      } finally {
        width.leave();
      }
    }),
  );
  return images.filter((image) => image !== undefined);
}

async function look(
  connection: CephConnection,
  imageId: string,
  { whole, partial }: Named,
): Promise<StoredImage | undefined> {
  const snapshot = whole === undefined ? undefined : await protectedSnapshot(connection, whole);
  if (snapshot !== undefined) return { imageId, form: 'whole', sizeBytes: snapshot.sizeBytes };
  if (partial === undefined) return undefined;
  const size = await askHeader(connection, partial, 'get_size', HEAD);
  // No header: a removal was cut after that had gone.
  size?.uint8();
  return { imageId, form: 'partial', sizeBytes: size?.int64() ?? 0 };
}
