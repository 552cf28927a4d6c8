import type { CephConnection } from './connection.ts';
import { Decoder, encodedString } from './encoding.ts';
import { ENOENT } from './errno.ts';

/**
 * An image's metadata, on its header, as `rbd image-meta` has it, without opening the image: opening it for writing
 * would set a watch, which a crash leaves behind. Not for keys `conf_*`, which whoever has the image open
 * would have to be told of.
 */
export async function readHeaderMetadata(
  connection: CephConnection,
  id: string,
  key: string,
): Promise<string | undefined> {
  const { code, data } = await connection.exec(`rbd_header.${id}`, 'metadata_get', encodedString(key));
  if (code === -ENOENT) return undefined;
  connection.errors.check(code, `read metadata ${key} of image ${id}`);
  return new Decoder(data).string();
}

/** All of them at once or, cut, none. */
export async function writeHeaderMetadata(
  connection: CephConnection,
  id: string,
  entries: Readonly<Record<string, string>>,
): Promise<void> {
  const pairs = Object.entries(entries);
  if (pairs.length === 0) return;
  const count = Buffer.alloc(4);
  count.writeUInt32LE(pairs.length);
  const input = Buffer.concat([count, ...pairs.flat().map(encodedString)]);
  const { code } = await connection.exec(`rbd_header.${id}`, 'metadata_set', input);
  connection.errors.check(code, `set metadata of image ${id}`);
}

/**
 * Set before an image is opened for writing that is not a partial of ours: the number of this client, and before it
 * those of former selves. By it a later one knows the watch and the lock of one that died there from those of
 * somebody else. Not of the last one alone: an OSD may show the watch of a client that died in the moment of
 * setting it long after, also of one that is shut out.
 */
export const MARK_KEY = 'entrepot.adopting';

/** Former selves that are remembered: each died while it adopted this very image. */
const MARKS_LIMIT = 32;

/** What the key holds from now on. */
export async function mark(connection: CephConnection, id: string): Promise<string> {
  const former = (await readMarks(connection, id)).filter((clientId) => clientId !== connection.clientId);
  const text = [...former, connection.clientId].slice(-MARKS_LIMIT).join(' ');
  await writeHeaderMetadata(connection, id, { [MARK_KEY]: text });
  return text;
}

/** Numbers of the clients that set it. */
export async function readMarks(connection: CephConnection, id: string): Promise<number[]> {
  const text = await readHeaderMetadata(connection, id, MARK_KEY);
  return text === undefined ? [] : text.split(' ').map(Number);
}
