import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Catalogue } from '../../../src/catalogue/catalogue.ts';
import { HUB_ORIGIN, type Origin } from '../../../src/catalogue/events.ts';
import type { ImageDraft } from '../../../src/domain/image.ts';

export const ROOT = 'a'.repeat(64);

export const DRAFT: ImageDraft = {
  name: 'debian',
  visibility: 'private',
  owner: 'ada',
  protected: false,
  osHidden: true,
  diskFormat: 'raw',
  containerFormat: 'bare',
  minDiskGib: 2,
  minRamMib: 512,
  tags: ['a', 'b'],
  properties: { os_distro: 'debian', empty: '' },
};

/** The UUID that ends in `n`. */
export function uuid(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

/** A catalogue in a folder of its own, with a clock and an origin that stand still until they are set. */
export class Scratch implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'entrepot-catalogue-'));
  readonly path = join(this.folder, 'made', 'catalogue.sqlite');
  nowMs = 1000;
  origin: Origin = HUB_ORIGIN;
  catalogue: Catalogue = this.#open();

  /** As a hub does that was stopped and started. */
  reopen(): void {
    this.catalogue[Symbol.dispose]();
    this.catalogue = this.#open();
  }

  /** The file as SQLite sees it, while the hub has let go of it. */
  inspect<T>(look: (sqlite: Database.Database) => T): T {
    this.catalogue[Symbol.dispose]();
    const sqlite = new Database(this.path);
    try {
      return look(sqlite);
    } finally {
      sqlite.close();
      this.catalogue = this.#open();
    }
  }

  withStores(): void {
    this.catalogue.stores.add('central', 'central');
    this.catalogue.stores.add('dcn0', 'edge');
  }

  /** A copy in state present, by the way that leads there. */
  present(imageId: string, storeId: string): void {
    this.catalogue.copies.set(imageId, storeId, 'copying');
    this.catalogue.copies.set(imageId, storeId, 'present', { verifiedRoot: ROOT });
  }

  kinds(): string[] {
    return this.catalogue.events.list({ limit: 1000 }).map((event) => event.kind);
  }

  [Symbol.dispose](): void {
    this.catalogue[Symbol.dispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #open(): Catalogue {
    return Catalogue.open(
      this.path,
      () => this.nowMs,
      () => this.origin,
    );
  }
}
