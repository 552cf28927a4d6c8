import { Refusal } from '../refusal.ts';
import type { StoreRecord } from '../store.ts';
import { list } from './view.ts';

/** What depends on a store. */
export interface StoreUses {
  /** Copies it holds, in any state. */
  readonly copies: number;
  /** Images whose one present copy is there. */
  readonly soleCopies: readonly string[];
  /** Unended jobs that bring something there, or take it from there. */
  readonly jobs: readonly string[];
  /** Unended jobs that only delete there from now on: a store that is gone for good never does. */
  readonly deletions: readonly string[];
  /** Images of the cloud that are not deleted, nor on their way there. */
  readonly images: number;
  /** Stores of the cloud besides this one. */
  readonly otherStores: number;
}

/**
 * Whether a store may be forgotten. IN_USE saying all that depends on it: never while a job is about
 * to use it, nor while it is all there is of an image; its copies, and deletes that wait for it, are
 * left to their fate only with `orphanCopies`. Central goes last.
 */
export function requireStoreRemovable(
  store: Pick<StoreRecord, 'id' | 'role'>,
  uses: StoreUses,
  orphanCopies: boolean,
): void {
  const { copies, soleCopies, jobs, deletions, images, otherStores } = uses;
  if (store.role === 'central' && (images > 0 || otherStores > 0)) {
    throw new Refusal(
      'IN_USE',
      `store ${store.id} is central to ${counted(otherStores, 'other store')} and ${counted(images, 'image')}`,
      { hint: 'delete the images and remove the other stores first' },
    );
  }
  const isHeld = soleCopies.length > 0 || jobs.length > 0;
  if (!isHeld && (orphanCopies || (copies === 0 && deletions.length === 0))) return;
  const depends = [
    ...(copies > 0 ? [counted(copies, 'copy', 'copies')] : []),
    ...(soleCopies.length > 0
      ? [`${counted(soleCopies.length, 'image')} with the only copy there: ${shown(soleCopies)}`]
      : []),
    ...(jobs.length > 0 ? [`${counted(jobs.length, 'job')} about to use it: ${shown(jobs)}`] : []),
    ...(deletions.length > 0
      ? [`${counted(deletions.length, 'job')} still deleting there: ${shown(deletions)}`]
      : []),
  ];
  throw new Refusal('IN_USE', `store ${store.id} is not removed: ${depends.join('; ')}`, {
    rule: soleCopies.length > 0 ? 'R8' : undefined,
    hint: whatToDo(store.id, uses),
  });
}

function whatToDo(storeId: string, { soleCopies, jobs }: StoreUses): string {
  if (jobs.length > 0) return 'wait for the jobs, or `entrepot job cancel JOB`';
  if (soleCopies.length > 0) return 'copy these images to another store first, or delete them';
  return `delete the copies first, or \`entrepot store remove ${storeId} --orphan-copies\`: their bytes stay in its pool`;
}

/** Enough names to start with. */
const NAMES_SHOWN = 5;

function shown(ids: readonly string[]): string {
  const rest = ids.length - NAMES_SHOWN;
  return list(ids.slice(0, NAMES_SHOWN)) + (rest > 0 ? ` and ${rest} more` : '');
}

function counted(n: number, one: string, several = `${one}s`): string {
  return `${n} ${n === 1 ? one : several}`;
}
