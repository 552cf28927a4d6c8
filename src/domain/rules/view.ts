import type { Copy } from '../copy.ts';
import type { Image } from '../image.ts';
import type { ImportSpec, Job } from '../job.ts';
import { Refusal } from '../refusal.ts';
import type { StoreRecord } from '../store.ts';

/** What the catalogue knows of one image; every rule is a function of this and the request. */
export interface ImageView {
  readonly image: Image;
  readonly copies: readonly Copy[];
  /** Unended jobs of the image in order of arrival. */
  readonly jobs: readonly Job[];
  /** All stores, central among them. */
  readonly stores: readonly StoreRecord[];
}

/** CONFLICT while the cloud has no central store yet. */
export function centralOf(stores: readonly StoreRecord[]): StoreRecord {
  const central = stores.find((store) => store.role === 'central');
  if (central !== undefined) return central;
  throw new Refusal('CONFLICT', 'there is no central store yet: images enter there', {
    hint: '`entrepot store add NAME --role central`',
  });
}

/** By an index that is made once for each list: an image may be at a thousand stores, and rules ask for each. */
export function copyAt(copies: readonly Copy[], storeId: string): Copy | undefined {
  let byStore = BY_STORE.get(copies);
  if (byStore === undefined) {
    byStore = new Map(copies.map((copy) => [copy.storeId, copy]));
    BY_STORE.set(copies, byStore);
  }
  return byStore.get(storeId);
}

/** Lists of copies are never changed. */
const BY_STORE = new WeakMap<readonly Copy[], ReadonlyMap<string, Copy>>();

export function isPresent(copies: readonly Copy[], storeId: string): boolean {
  return copyAt(copies, storeId)?.state === 'present';
}

/** Which stores will hold the image once every unended job has succeeded, and through what. */
export interface Foresight {
  readonly holders: ReadonlyMap<string, 'present' | Job>;
  /** The job that will have deleted the image. */
  readonly deletedBy: Job | undefined;
}

/** Folds the unended jobs, in their order, over what is there. */
export function foresee(view: Omit<ImageView, 'image'>): Foresight {
  const holders = new Map<string, 'present' | Job>();
  let deletedBy: Job | undefined;
  for (const copy of view.copies) if (copy.state === 'present') holders.set(copy.storeId, 'present');
  const make = (job: Job, storeIds: readonly string[]) => {
    for (const id of storeIds) if (!holders.has(id)) holders.set(id, job);
  };
  for (const job of view.jobs) {
    const { spec } = job;
    if (job.cancelRequested) continue;
    if (spec.kind === 'import') make(job, importTargets(spec, view.stores));
    else if (spec.kind === 'copy') make(job, spec.storeIds);
    else if (spec.kind === 'delete-copy') holders.delete(spec.storeId);
    else if (spec.kind === 'delete') {
      holders.clear();
      deletedBy = job;
    }
  }
  return { holders, deletedBy };
}

/** Where an import puts the image: central whatever was asked (R3). */
export function importTargets(spec: ImportSpec, stores: readonly StoreRecord[]): string[] {
  return [spec.entryStoreId, centralOf(stores).id, ...spec.storeIds];
}

/** Stores by name, for sentences: `dcn0, dcn1`. */
export function list(ids: readonly string[]): string {
  return ids.join(', ');
}
