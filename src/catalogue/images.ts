import {
  type ContainerFormat,
  type DiskFormat,
  IMAGE_TRANSITIONS,
  type Image,
  type ImageData,
  type ImageDraft,
  type ImageStatus,
  type Visibility,
} from '../domain/image.ts';
import { Refusal } from '../domain/refusal.ts';
import { imageNotFound, maySee } from '../domain/rules/reading.ts';
import type { Actor } from '../domain/rules/rights.ts';
import type { Sqlite } from './database.ts';
import type { Events } from './events.ts';
import { READABLE, readableBy } from './readable.ts';

/** Images a reader may see. */
const VISIBLE = `status NOT IN ('pending_delete', 'deleted')`;

/** The images of the catalogue. Every write must run inside `Catalogue.transact`. */
export class Images {
  readonly #sqlite: Sqlite;
  readonly #events: Events;
  readonly #now: () => number;
  readonly #find;
  readonly #setStatus;
  readonly #setData;

  constructor(sqlite: Sqlite, events: Events, now: () => number) {
    this.#sqlite = sqlite;
    this.#events = events;
    this.#now = now;
    this.#find = sqlite.prepare('SELECT * FROM images WHERE id = ?');
    this.#setStatus = sqlite.prepare('UPDATE images SET status = ?, updated_at_ms = ? WHERE id = ?');
    this.#setData = sqlite.prepare(
      `UPDATE images SET size_bytes = @sizeBytes, virtual_size_bytes = @virtualSizeBytes, data_bytes = @dataBytes,
         checksum = @checksum, os_hash_algo = @osHashAlgo, os_hash_value = @osHashValue, root = @root,
         updated_at_ms = @now WHERE id = @id`,
    );
  }

  /** A record without data. */
  insert(id: string, draft: ImageDraft, requestId: string): Image {
    const now = this.#now();
    this.#sqlite
      .prepare(
        `INSERT INTO images (id, status, name, visibility, owner, protected, os_hidden, disk_format,
           container_format, min_disk_gib, min_ram_mib, tags, properties, created_at_ms, updated_at_ms)
         VALUES (@id, 'queued', @name, @visibility, @owner, @protected, @osHidden, @diskFormat,
           @containerFormat, @minDiskGib, @minRamMib, @tags, @properties, @now, @now)`,
      )
      .run({
        ...draft,
        id,
        now,
        protected: draft.protected ? 1 : 0,
        osHidden: draft.osHidden ? 1 : 0,
        tags: JSON.stringify(draft.tags),
        properties: JSON.stringify(draft.properties),
      });
    this.#events.append(
      'image.created',
      { imageId: id, requestId },
      { name: draft.name, owner: draft.owner },
    );
    return { ...draft, id, status: 'queued', data: undefined, createdAtMs: now, updatedAtMs: now };
  }

  /** Any image that ever was, deleted ones included: their UUIDs stay used (R1). */
  find(id: string): Image | undefined {
    const row = this.#find.get(id) as ImageRow | undefined;
    return row === undefined ? undefined : fromRow(row);
  }

  /** As `find`; NOT_FOUND when there is none. */
  get(id: string): Image {
    const image = this.find(id);
    if (image !== undefined) return image;
    throw imageNotFound(id);
  }

  /** Visible images, newest first, after the image `marker`, at most `limit`; `readableBy` leaves others' out. */
  page(options: {
    limit: number;
    marker?: string | undefined;
    name?: string | undefined;
    readableBy?: Actor | undefined;
  }): Image[] {
    const actor = options.readableBy;
    const marker = options.marker === undefined ? undefined : this.get(options.marker);
    if (marker !== undefined && actor !== undefined && !maySee(actor, marker)) throw imageNotFound(marker.id);
    const rows = this.#sqlite
      .prepare(
        `SELECT * FROM images WHERE ${VISIBLE} AND ${READABLE}
           AND (@name IS NULL OR name = @name)
           AND (@markerId IS NULL OR (created_at_ms, id) < (@markerMs, @markerId))
         ORDER BY created_at_ms DESC, id DESC LIMIT @limit`,
      )
      .all({
        ...readableBy(actor),
        limit: options.limit,
        name: options.name ?? null,
        markerId: marker?.id ?? null,
        markerMs: marker?.createdAtMs ?? null,
      });
    return (rows as ImageRow[]).map(fromRow);
  }

  /** The one way to change a status: checks the move, writes it, and logs it. Same status: nothing. */
  setStatus(id: string, status: ImageStatus, subject: { jobId?: string }): void {
    const before = this.get(id).status;
    if (before === status) return;
    if (!IMAGE_TRANSITIONS[before].includes(status)) {
      throw new Refusal('INTERNAL', `image ${id} cannot go from ${before} to ${status}`);
    }
    this.#setStatus.run(status, this.#now(), id);
    this.#events.append(`image.${status}`, { imageId: id, ...subject }, { before });
  }

  /** What was found out about the data on entry; undefined when an import was taken back. */
  setData(id: string, data: ImageData | undefined, subject: { jobId?: string } = {}): void {
    const before = this.get(id).data;
    this.#setData.run({
      id,
      now: this.#now(),
      sizeBytes: data?.sizeBytes ?? null,
      virtualSizeBytes: data?.virtualSizeBytes ?? null,
      dataBytes: data?.dataBytes ?? null,
      checksum: data?.checksum ?? null,
      osHashAlgo: data?.osHashAlgo ?? null,
      osHashValue: data?.osHashValue ?? null,
      root: data?.root ?? null,
    });
    if (data !== undefined) {
      const { sizeBytes, root } = data;
      this.#events.append('image.filled', { imageId: id, ...subject }, { sizeBytes, root });
    } else if (before !== undefined) this.#events.append('image.emptied', { imageId: id, ...subject });
  }

  /** Those that readers may see. */
  countVisible(): number {
    const row = this.#sqlite.prepare(`SELECT count(*) AS n FROM images WHERE ${VISIBLE}`).get();
    return (row as { n: number }).n;
  }

  countByStatus(): Map<ImageStatus, number> {
    const rows = this.#sqlite.prepare('SELECT status, count(*) AS n FROM images GROUP BY status').all();
    return new Map((rows as { status: ImageStatus; n: number }[]).map((row) => [row.status, row.n]));
  }
}

interface ImageRow {
  id: string;
  status: ImageStatus;
  name: string;
  visibility: Visibility;
  owner: string;
  protected: number;
  os_hidden: number;
  disk_format: DiskFormat;
  container_format: ContainerFormat;
  min_disk_gib: number;
  min_ram_mib: number;
  tags: string;
  properties: string;
  size_bytes: number | null;
  virtual_size_bytes: number;
  data_bytes: number;
  checksum: string;
  os_hash_algo: 'sha512';
  os_hash_value: string;
  root: string;
  created_at_ms: number;
  updated_at_ms: number;
}

function fromRow(row: ImageRow): Image {
  const data: ImageData | undefined =
    row.size_bytes === null
      ? undefined
      : {
          sizeBytes: row.size_bytes,
          virtualSizeBytes: row.virtual_size_bytes,
          dataBytes: row.data_bytes,
          checksum: row.checksum,
          osHashAlgo: row.os_hash_algo,
          osHashValue: row.os_hash_value,
          root: row.root,
        };
  return {
    id: row.id,
    status: row.status,
    name: row.name,
    visibility: row.visibility,
    owner: row.owner,
    protected: row.protected === 1,
    osHidden: row.os_hidden === 1,
    diskFormat: row.disk_format,
    containerFormat: row.container_format,
    minDiskGib: row.min_disk_gib,
    minRamMib: row.min_ram_mib,
    tags: JSON.parse(row.tags) as string[],
    properties: JSON.parse(row.properties) as Record<string, string>,
    data,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
