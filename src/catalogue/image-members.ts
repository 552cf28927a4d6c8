import type { ImageMember, MemberStatus } from '../domain/member.ts';
import { memberNotFound } from '../domain/rules/sharing.ts';
import type { Sqlite } from './database.ts';
import type { Events } from './events.ts';

/** With whom the images of the catalogue are shared. Writes run inside `Catalogue.transact`. */
export class ImageMembers {
  readonly #sqlite: Sqlite;
  readonly #events: Events;
  readonly #now: () => number;
  readonly #ofImage;

  constructor(sqlite: Sqlite, events: Events, now: () => number) {
    this.#sqlite = sqlite;
    this.#events = events;
    this.#now = now;
    this.#ofImage = sqlite.prepare('SELECT * FROM image_members WHERE image_id = ? ORDER BY member');
  }

  /** By name. They are kept while the image is not shared, and count again when it is. */
  ofImage(imageId: string): ImageMember[] {
    return (this.#ofImage.all(imageId) as MemberRow[]).map(fromRow);
  }

  /** NOT_FOUND when the image is not shared with this operator. */
  get(imageId: string, member: string): ImageMember {
    const found = this.ofImage(imageId).find((one) => one.member === member);
    if (found !== undefined) return found;
    throw memberNotFound(imageId, member);
  }

  /** A new member, pending; that it is none yet is `requireNewMember`'s to say. */
  add(imageId: string, member: string): ImageMember {
    this.#sqlite
      .prepare(`INSERT INTO image_members VALUES (@imageId, @member, 'pending', @now, @now)`)
      .run({ imageId, member, now: this.#now() });
    this.#events.append('image.member-added', { imageId }, { member });
    return this.get(imageId, member);
  }

  /** NOT_FOUND as `get`. */
  setStatus(imageId: string, member: string, status: MemberStatus): ImageMember {
    const before = this.get(imageId, member);
    if (before.status === status) return before;
    this.#sqlite
      .prepare(
        `UPDATE image_members SET status = @status, updated_at_ms = @now
         WHERE image_id = @imageId AND member = @member`,
      )
      .run({ imageId, member, status, now: this.#now() });
    this.#events.append(`image.member-${status}`, { imageId }, { member, before: before.status });
    return this.get(imageId, member);
  }

  /** What it was. NOT_FOUND as `get`. */
  remove(imageId: string, member: string): ImageMember {
    const before = this.get(imageId, member);
    this.#sqlite.prepare('DELETE FROM image_members WHERE image_id = ? AND member = ?').run(imageId, member);
    this.#events.append('image.member-removed', { imageId }, { member, before: before.status });
    return before;
  }
}

interface MemberRow {
  image_id: string;
  member: string;
  status: MemberStatus;
  created_at_ms: number;
  updated_at_ms: number;
}

function fromRow(row: MemberRow): ImageMember {
  return {
    imageId: row.image_id,
    member: row.member,
    status: row.status,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
