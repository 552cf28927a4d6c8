import type { IncomingHttpHeaders } from 'node:http';

/**
 * What a server says of a file, by which it is known to be the same one later. Plain data: who wants to go on after a
 * restart keeps it, beside how far it came.
 */
export interface FileVersion {
  /** Undefined when the server does not say before the end. */
  readonly sizeBytes?: number | undefined;
  /** As it was sent, with its quotes, weak ones too. */
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  /**
   * What proves to the server which version is meant (If-Range): a strong ETag, else a time of the last change that
   * stands for one version. Undefined: the file cannot be resumed.
   */
  readonly validator?: string | undefined;
}

/** Younger than that, a file may change again within the second that its time tells (RFC 9110, 8.8.2.2). */
const SETTLED_MS = 1000;

/** By the headers of an answer, `sizeBytes` being the whole file's. */
export function versionOf(headers: IncomingHttpHeaders, sizeBytes: number | undefined): FileVersion {
  const { etag, 'last-modified': lastModified } = headers;
  return { sizeBytes, etag, lastModified, validator: validatorOf(headers) };
}

/** True when what two answers say of a file cannot be true of one version of it. */
export function differs(one: FileVersion, other: FileVersion): boolean {
  return (['sizeBytes', 'etag', 'lastModified'] as const).some(
    (key) => one[key] !== undefined && other[key] !== undefined && one[key] !== other[key],
  );
}

/** True when an answer, by what it tells, is of the version that is being read. */
export function isOf(version: FileVersion, part: FileVersion): boolean {
  // An answer to If-Range has to repeat the ETag (RFC 9110, 15.3.7). A server that does not may not have looked at it.
  const { etag, validator } = version;
  if (validator !== undefined && validator === etag && part.etag === undefined) return false;
  return !differs(version, part);
}

function validatorOf({
  etag,
  date,
  'accept-ranges': ranges,
  ...headers
}: IncomingHttpHeaders): string | undefined {
  if (ranges?.trim().toLowerCase() === 'none') return undefined;
  if (etag !== undefined && /^"[^"]*"$/.test(etag)) return etag;
  const lastModified = headers['last-modified'];
  const ageMs = Date.parse(date ?? '') - Date.parse(lastModified ?? '');
  // Also where there is a weak ETag: it says nothing of bytes, the time does.
  return ageMs >= SETTLED_MS ? lastModified : undefined;
}

/** Of a part: `first` and `last` byte, and of how many. Undefined when it is not told, or makes no sense. */
export interface ContentRange {
  readonly first: number;
  readonly last: number;
  readonly sizeBytes: number;
}

export function parseContentRange(header: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(header ?? '');
  const [first = 0, last = 0, sizeBytes = 0] = match?.slice(1).map(Number) ?? [];
  return match !== null && first <= last && last < sizeBytes ? { first, last, sizeBytes } : undefined;
}

/** Of a file that ends before the range begins. */
export function parseUnsatisfied(header: string | undefined): number | undefined {
  const size = /^bytes \*\/(\d{1,15})$/i.exec(header ?? '')?.[1];
  return size === undefined ? undefined : Number(size);
}

/** What JSON.stringify made of one. Undefined for any other text. */
export function parseVersion(text: string): FileVersion | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { sizeBytes, etag, lastModified, validator } = value as Readonly<Record<keyof FileVersion, unknown>>;
  if (![etag, lastModified, validator].every((one) => one === undefined || typeof one === 'string'))
    return undefined;
  if (sizeBytes !== undefined && !Number.isSafeInteger(sizeBytes)) return undefined;
  return { sizeBytes, etag, lastModified, validator } as FileVersion;
}
