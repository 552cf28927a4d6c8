import {
  type FoundFormat,
  IMAGE_TRANSITIONS,
  type Image,
  type ImageData,
  type ImageDraft,
  type ImageStatus,
  type StagedFile,
} from '../domain/image.ts';
import { Refusal } from '../domain/refusal.ts';
import { imageNotFound, maySee } from '../domain/rules/reading.ts';
import type { Sqlite } from './database.ts';
import type { Events } from './events.ts';
import type { ImageMembers } from './image-members.ts';
import { type PageRequest, selectImages, VISIBLE } from './image-page.ts';
import { columnsOf, type ImageRow, imageOfRow } from './image-row.ts';

/** The images of the catalogue. Every write must run inside `Catalogue.transact`. */
export class Images {
  readonly #sqlite: Sqlite;
  readonly #events: Events;
  readonly #members: ImageMembers;
  readonly #now: () => number;
  readonly #find;
  readonly #setStatus;
  readonly #setData;

  constructor(sqlite: Sqlite, events: Events, members: ImageMembers, now: () => number) {
    this.#sqlite = sqlite;
    this.#events = events;
    this.#members = members;
    this.#now = now;
    this.#find = sqlite.prepare('SELECT * FROM images WHERE id = ?');
    this.#setStatus = sqlite.prepare('UPDATE images SET status = ?, updated_at_ms = ? WHERE id = ?');
    this.#setData = sqlite.prepare(
      `UPDATE images SET size_bytes = @sizeBytes, virtual_size_bytes = @virtualSizeBytes, data_bytes = @dataBytes,
         checksum = @checksum, os_hash_algo = @osHashAlgo, os_hash_value = @osHashValue, root = @root,
         staged_store_id = NULL, staged_bytes = NULL, staged_sha512 = NULL, updated_at_ms = @now WHERE id = @id`,
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
      .run({ ...columnsOf(draft), id, now });
    this.#events.append(
      'image.created',
      { imageId: id, requestId },
      { name: draft.name, owner: draft.owner },
    );
    return {
      ...draft,
      id,
      status: 'queued',
      data: undefined,
      staged: undefined,
      createdAtMs: now,
      updatedAtMs: now,
    };
  }

  /** Any image that ever was, deleted ones included: their UUIDs stay used (R1). */
  find(id: string): Image | undefined {
    const row = this.#find.get(id) as ImageRow | undefined;
    return row === undefined ? undefined : this.#fromRow(row);
  }

  /** As `find`; NOT_FOUND when there is none. */
  get(id: string): Image {
    const image = this.find(id);
    if (image !== undefined) return image;
    throw imageNotFound(id);
  }

  /**
   * A page of the visible images after the image `marker`, which may be any that the operator may know of;
   * NOT_FOUND otherwise.
   */
  page(request: PageRequest & { readonly marker?: string | undefined }): Image[] {
    const { marker: markerId, readableBy: actor } = request;
    const marker = markerId === undefined ? undefined : this.get(markerId);
    if (marker !== undefined && actor !== undefined && !maySee(actor, marker)) throw imageNotFound(marker.id);
    const { sql, parameters } = selectImages(request, marker);
    return (this.#sqlite.prepare(sql).all(parameters) as ImageRow[]).map(this.#fromRow);
  }

  /**
   * What an owner may give, as it is to be from now on; the event says which fields were others. Of properties
   * it has the names alone: what they say may be long. The same as before: nothing.
   */
  change(id: string, record: ImageDraft): void {
    const before = this.get(id);
    const changed = changedFields(before, record);
    if (Object.keys(changed).length === 0) return;
    this.#sqlite
      .prepare(
        `UPDATE images SET name = @name, visibility = @visibility, owner = @owner, protected = @protected,
           os_hidden = @osHidden, disk_format = @diskFormat, container_format = @containerFormat,
           min_disk_gib = @minDiskGib, min_ram_mib = @minRamMib, tags = @tags, properties = @properties,
           given_properties = @given, updated_at_ms = @now WHERE id = @id`,
      )
      .run({ ...columnsOf(record), id, given: this.#givenAfter(before, record), now: this.#now() });
    this.#events.append('image.changed', { imageId: id }, changed);
  }

  /** As the column has it: the same is done to what was given as to what there is. */
  #givenAfter(before: Image, after: ImageDraft): string | null {
    const given = (this.#find.get(before.id) as ImageRow).given_properties;
    if (given === null) return null;
    const { set, removed } = changedKeys(before, after);
    const kept = Object.entries(JSON.parse(given) as Record<string, string>).filter(
      ([key]) => !removed.includes(key),
    );
    return JSON.stringify({
      ...Object.fromEntries(kept),
      ...Object.fromEntries(set.map((key) => [key, after.properties[key]])),
    });
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

  /** A file lies beside a store, to be imported from there: until data is set, or taken back. */
  setStaged(id: string, staged: StagedFile, subject: { jobId?: string }): void {
    const { storeId, sizeBytes } = staged;
    this.#sqlite
      .prepare(
        `UPDATE images SET staged_store_id = @storeId, staged_bytes = @sizeBytes, staged_sha512 = @sha512,
           updated_at_ms = @now WHERE id = @id`,
      )
      .run({ ...staged, id, now: this.#now() });
    this.#events.append('image.staged', { imageId: id, storeId, ...subject }, { sizeBytes });
  }

  /** What the data is stored as, with the properties that come of it. Those that were given are kept for `takeFormatBack`. */
  setFormat(id: string, { diskFormat, containerFormat, properties }: FoundFormat): void {
    this.#sqlite
      .prepare(
        `UPDATE images SET disk_format = ?, container_format = ?, given_properties = properties, properties = ?,
           updated_at_ms = ? WHERE id = ?`,
      )
      .run(diskFormat, containerFormat, JSON.stringify(properties), this.#now(), id);
  }

  /** The data is gone, and what had come of it: the properties are those that were given, before and since. */
  takeFormatBack(id: string, { diskFormat, containerFormat }: Omit<FoundFormat, 'properties'>): void {
    this.#sqlite
      .prepare(
        `UPDATE images SET disk_format = ?, container_format = ?, properties = coalesce(given_properties, properties),
           given_properties = NULL, updated_at_ms = ? WHERE id = ?`,
      )
      .run(diskFormat, containerFormat, this.#now(), id);
  }

  /** What was found out about the data on entry; undefined when an import was taken back. No file is staged any more. */
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

  /** With its members where they count. */
  readonly #fromRow = (row: ImageRow): Image => {
    const image = imageOfRow(row);
    return image.visibility === 'shared' ? { ...image, members: this.#members.ofImage(image.id) } : image;
  };
}

/** What is another in `after`, each with how it was and is. */
function changedFields(before: Image, after: ImageDraft): Record<string, unknown> {
  const changed: Record<string, unknown> = {};
  for (const [key, now] of Object.entries(after)) {
    const then = before[key as keyof ImageDraft];
    if (JSON.stringify(then) === JSON.stringify(now)) continue;
    changed[key] = key === 'properties' ? changedKeys(before, after) : { before: then, after: now };
  }
  return changed;
}

function changedKeys(before: Image, after: ImageDraft) {
  const set = Object.keys(after.properties).filter((key) => before.properties[key] !== after.properties[key]);
  const removed = Object.keys(before.properties).filter((key) => !Object.hasOwn(after.properties, key));
  return { set, removed };
}
