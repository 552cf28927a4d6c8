import type { ContainerFormat, DiskFormat, Image, ImageStatus, Visibility } from '../domain/image.ts';
import type { MemberStatus } from '../domain/member.ts';
import type { Actor } from '../domain/rules/rights.ts';
import { KNOWN, READABLE, readableBy } from './readable.ts';

/** What images are put in order by; `size` of one without data is below all others. */
export const SORT_KEYS = [
  'name',
  'status',
  'size',
  'created_at',
  'updated_at',
  'id',
  'disk_format',
  'container_format',
] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface Sort {
  readonly key: SortKey;
  readonly direction: 'asc' | 'desc';
}

/** Newest first. */
export const DEFAULT_SORT: readonly Sort[] = [{ key: 'created_at', direction: 'desc' }];

/** Which images; all that is given must hold. */
export interface ImageFilter {
  readonly name?: string | undefined;
  readonly status?: ImageStatus | undefined;
  readonly visibility?: Visibility | undefined;
  readonly owner?: string | undefined;
  readonly diskFormat?: DiskFormat | undefined;
  readonly containerFormat?: ContainerFormat | undefined;
  readonly osHidden?: boolean | undefined;
  readonly protected?: boolean | undefined;
  readonly sizeMinBytes?: number | undefined;
  readonly sizeMaxBytes?: number | undefined;
  /** Has a present copy. */
  readonly storeId?: string | undefined;
  /** All of them. */
  readonly tags?: readonly string[] | undefined;
  /** All of them. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** Shared with whoever asks, and how that stands; `all`: in whatever state. */
  readonly memberStatus?: MemberStatus | 'all' | undefined;
}

export interface PageRequest extends ImageFilter {
  readonly limit: number;
  /** Leaves out what the operator does not see. */
  readonly readableBy?: Actor | undefined;
  /** DEFAULT_SORT when left out; images that are the same in all keys come by their id. */
  readonly sort?: readonly Sort[] | undefined;
}

type Parameters = Readonly<Record<string, string | number>>;

export interface Query {
  readonly sql: string;
  readonly parameters: Parameters;
}

/** Images a reader may see. */
export const VISIBLE = `status NOT IN ('pending_delete', 'deleted')`;

const COLUMNS: Readonly<
  Record<SortKey, { readonly sql: string; readonly of: (image: Image) => string | number }>
> = {
  name: { sql: 'images.name', of: (image) => image.name },
  status: { sql: 'images.status', of: (image) => image.status },
  size: { sql: 'ifnull(images.size_bytes, -1)', of: (image) => image.data?.sizeBytes ?? -1 },
  created_at: { sql: 'images.created_at_ms', of: (image) => image.createdAtMs },
  updated_at: { sql: 'images.updated_at_ms', of: (image) => image.updatedAtMs },
  id: { sql: 'images.id', of: (image) => image.id },
  disk_format: { sql: 'images.disk_format', of: (image) => image.diskFormat },
  container_format: { sql: 'images.container_format', of: (image) => image.containerFormat },
};

type Scalar = Exclude<keyof ImageFilter, 'tags' | 'properties' | 'memberStatus'>;

const CONDITIONS: Readonly<Record<Scalar, string>> = {
  name: 'images.name = @name',
  status: 'images.status = @status',
  visibility: 'images.visibility = @visibility',
  owner: 'images.owner = @owner',
  diskFormat: 'images.disk_format = @diskFormat',
  containerFormat: 'images.container_format = @containerFormat',
  osHidden: 'images.os_hidden = @osHidden',
  protected: 'images.protected = @protected',
  sizeMinBytes: 'images.size_bytes >= @sizeMinBytes',
  sizeMaxBytes: 'images.size_bytes <= @sizeMaxBytes',
  storeId: `EXISTS (SELECT 1 FROM copies WHERE copies.image_id = images.id AND copies.store_id = @storeId
    AND copies.state = 'present')`,
};

/**
 * The query for a page after `marker`, which need not be in it: where a page begins is said by what the marker
 * has in the sort keys. What is not asked for is not in the query, so that an index fits.
 */
export function selectImages(request: PageRequest, marker: Image | undefined): Query {
  const filter = filterConditions(request);
  const sort = withId(request.sort ?? DEFAULT_SORT);
  const start = marker === undefined ? undefined : after(sort, marker);
  const where = [VISIBLE, ...filter.conditions, ...(start?.conditions ?? [])].join(' AND ');
  const order = sort.map(({ key, direction }) => `${COLUMNS[key].sql} ${direction}`).join(', ');
  return {
    sql: `SELECT * FROM images WHERE ${where} ORDER BY ${order} LIMIT @limit`,
    parameters: {
      ...readableBy(request.readableBy),
      ...filter.parameters,
      ...start?.parameters,
      limit: request.limit,
    },
  };
}

interface Conditions {
  readonly conditions: readonly string[];
  readonly parameters: Parameters;
}

function filterConditions(request: PageRequest): Conditions {
  const parameters: Record<string, string | number> = {};
  // Who looks for what it was offered finds it before it has taken it.
  const conditions = [request.memberStatus === undefined ? READABLE : KNOWN];
  for (const [key, condition] of Object.entries(CONDITIONS)) {
    const value = request[key as Scalar];
    if (value === undefined) continue;
    conditions.push(condition);
    parameters[key] = typeof value === 'boolean' ? Number(value) : value;
  }
  for (const [n, tag] of (request.tags ?? []).entries()) {
    conditions.push(`EXISTS (SELECT 1 FROM json_each(images.tags) WHERE value = @tag${n})`);
    parameters[`tag${n}`] = tag;
  }
  for (const [n, [key, value]] of Object.entries(request.properties ?? {}).entries()) {
    conditions.push(
      `EXISTS (SELECT 1 FROM json_each(images.properties) AS own WHERE own.key = @key${n} AND own.value = @value${n})`,
    );
    parameters[`key${n}`] = key;
    parameters[`value${n}`] = value;
  }
  if (request.memberStatus !== undefined) {
    conditions.push(`images.visibility = 'shared' AND images.id IN (SELECT image_id FROM image_members
      WHERE member = @member AND (@memberStatus = 'all' OR image_members.status = @memberStatus))`);
    parameters['member'] = request.readableBy?.name ?? '';
    parameters['memberStatus'] = request.memberStatus;
  }
  return { conditions, parameters };
}

/** Ties are broken by the id, in the direction of the first key: where all go one way an index is enough. */
function withId(sort: readonly Sort[]): readonly Sort[] {
  const upToId = sort.slice(0, sort.findIndex(({ key }) => key === 'id') + 1);
  if (upToId.length > 0) return upToId;
  return [...sort, { key: 'id', direction: sort[0]?.direction ?? 'desc' }];
}

/** What comes after the marker in this order. */
function after(sort: readonly Sort[], marker: Image): Conditions {
  const parameters = Object.fromEntries(sort.map(({ key }, n) => [`after${n}`, COLUMNS[key].of(marker)]));
  const first = sort[0]?.direction ?? 'desc';
  if (sort.every(({ direction }) => direction === first)) {
    const columns = sort.map(({ key }) => COLUMNS[key].sql).join(', ');
    const values = sort.map((_, n) => `@after${n}`).join(', ');
    return { conditions: [`(${columns}) ${comparison(first)} (${values})`], parameters };
  }
  // The same in the keys before, and further on in this one.
  const ways = sort.map(({ key, direction }, n) => {
    const same = sort.slice(0, n).map((one, at) => `${COLUMNS[one.key].sql} = @after${at}`);
    return [...same, `${COLUMNS[key].sql} ${comparison(direction)} @after${n}`].join(' AND ');
  });
  return { conditions: [`((${ways.join(') OR (')}))`], parameters };
}

function comparison(direction: Sort['direction']): '<' | '>' {
  return direction === 'asc' ? '>' : '<';
}
