import { Refusal } from './refusal.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const STORE_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** The id in lower case, or INVALID when it is not a UUID in its usual 36 characters. */
export function parseUuid(text: string, what = 'image id'): string {
  const id = text.toLowerCase();
  if (isUuid(id)) return id;
  throw new Refusal('INVALID', `${what} '${shorten(text)}' is not a UUID`, {
    hint: 'a UUID looks like 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10; `entrepot image list` shows them',
  });
}

export function isStoreId(text: string): boolean {
  return STORE_ID.test(text);
}

/** A store id: lower-case letters, digits and dashes, as in a host name. INVALID otherwise. */
export function parseStoreId(text: string): string {
  if (isStoreId(text)) return text;
  throw new Refusal('INVALID', `store id '${shorten(text)}' is not valid`, {
    hint: 'lower-case letters, digits and dashes, at most 63; `entrepot store list` shows the stores',
  });
}

function shorten(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}...` : text;
}
