import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isUuid } from '../../domain/ids.ts';
import { Refusal } from '../../domain/refusal.ts';
import { replaceFile } from './durable.ts';
import { unlessAbsent } from './errno.ts';

/** The store's fsid: made and kept at `path` the first time, the same ever after. */
export async function keptFsid(path: string): Promise<string> {
  const text = await unlessAbsent(readFile(path, 'utf8'), undefined);
  if (text !== undefined) return parse(path, text);
  const fsid = randomUUID();
  await replaceFile(path, `${JSON.stringify({ fsid })}\n`);
  return fsid;
}

function parse(path: string, text: string): string {
  try {
    const { fsid } = JSON.parse(text) as { fsid?: unknown };
    if (typeof fsid === 'string' && isUuid(fsid)) return fsid;
  } catch {
    // Said below, as for any other content that is not ours.
  }
  throw new Refusal('INVALID', `${path} does not hold the store's fsid`, {
    rule: 'R10',
    hint: 'restore it, as {"fsid": "..."}; `entrepot store list` at the hub shows the fsid',
  });
}
