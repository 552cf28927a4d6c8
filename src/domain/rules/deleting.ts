import type { Image } from '../image.ts';
import { isEnded, type Job, type Task } from '../job.ts';
import { Refusal } from '../refusal.ts';
import { requireVisible } from './reading.ts';
import { centralOf, copyAt, foresee, type ImageView, list } from './view.ts';

/**
 * R8: whether a store's copy may go. With `after` the jobs before the delete have ended,
 * which is also how a queued delete is judged when it is asked for (R5).
 */
export function requireCopyDeletable(storeId: string, view: ImageView): void {
  const { image, copies, stores } = view;
  requireVisible(image);
  if (!stores.some((store) => store.id === storeId)) {
    throw new Refusal('NOT_FOUND', `no store is named ${storeId}`, {
      rule: 'R8',
      hint: `the stores are ${list(stores.map((store) => store.id))}`,
    });
  }
  requireUnprotected(image, 'R8');
  const { holders, deletedBy } = foresee(view);
  if (deletedBy !== undefined) {
    throw new Refusal(
      'CONFLICT',
      `image ${image.id} is about to be deleted as a whole by job ${deletedBy.id}`,
      {
        rule: 'R8',
      },
    );
  }
  if (!holders.has(storeId)) {
    if (copyAt(copies, storeId) !== undefined) return;
    throw new Refusal('NOT_FOUND', `store ${storeId} holds no copy of image ${image.id}`, {
      rule: 'R8',
      hint: `\`entrepot image locations ${image.id}\` shows where it is`,
    });
  }
  const others = [...holders.keys()].filter((id) => id !== storeId);
  if (others.length === 0) {
    throw new Refusal('CONFLICT', `${storeId} holds the last copy of image ${image.id}`, {
      rule: 'R8',
      hint: `to be rid of the image: \`entrepot image delete ${image.id}\``,
    });
  }
  if (storeId !== centralOf(stores).id) return;
  const users = view.jobs.filter((job) => usesCentral(job));
  throw new Refusal(
    'IN_USE',
    `the central copy of image ${image.id} stays while ${list(others)} ${others.length === 1 ? 'holds' : 'hold'} one` +
      (users.length > 0 ? ` and job ${list(users.map((job) => job.id))} is about to use it` : ''),
    { rule: 'R8', hint: 'delete the edge copies first' },
  );
}

function usesCentral(job: Job): boolean {
  return job.spec.kind === 'copy' || job.spec.kind === 'import';
}

/** R8 and R9: IN_USE naming the clones that depend on a store's copy. */
export function requireNoClones(
  imageId: string,
  children: ReadonlyMap<string, readonly string[]>,
  rule: 'R8' | 'R9',
): void {
  const used = [...children].filter(([, names]) => names.length > 0);
  if (used.length === 0) return;
  const places = used.map(([storeId, names]) => `${storeId}: ${shown(names)}`).join('; ');
  throw new Refusal('IN_USE', `clones depend on image ${imageId} at ${places}`, {
    rule,
    hint: 'delete or flatten the clones first (`rbd flatten POOL/NAME`)',
  });
}

/** Enough names to start with; a golden image may have thousands of clones. */
const NAMES_SHOWN = 10;

function shown(names: readonly string[]): string {
  const rest = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

/** R9: a protected image is not deleted, and an image is deleted once. */
export function requireImageDeletable(view: ImageView): void {
  requireVisible(view.image);
  requireUnprotected(view.image, 'R9');
  const { deletedBy } = foresee(view);
  if (deletedBy !== undefined) {
    throw new Refusal('CONFLICT', `job ${deletedBy.id} is already deleting image ${view.image.id}`, {
      rule: 'R9',
      hint: `\`entrepot job watch ${deletedBy.id}\` shows it`,
    });
  }
}

function requireUnprotected(image: Image, rule: 'R8' | 'R9'): void {
  if (!image.protected) return;
  throw new Refusal('FORBIDDEN', `image ${image.id} is protected`, {
    rule,
    hint: `take the protection off first: \`entrepot image set ${image.id} --unprotected\``,
  });
}

/** CONFLICT for a job that has ended, or whose delete has no way back (R8, R9). */
export function requireCancellable(job: Job, image: Pick<Image, 'status'>, tasks: readonly Task[]): void {
  if (isEnded(job)) throw new Refusal('CONFLICT', `job ${job.id} has already ended: ${job.state}`);
  if (job.spec.kind === 'delete' && image.status === 'pending_delete') {
    throw new Refusal('CONFLICT', `job ${job.id} cannot be cancelled: the image is gone for its readers`, {
      rule: 'R9',
    });
  }
  if (job.spec.kind === 'delete-copy' && tasks.some((task) => task.attempt > 0)) {
    throw new Refusal('CONFLICT', `job ${job.id} cannot be cancelled: the copy is being deleted`, {
      rule: 'R8',
    });
  }
}

/**
 * R9: the stores whose copies go now. Edges first; central once no edge that can be
 * reached still has one. A site that is away is not waited for: its own delete is.
 */
export function nextToDelete(
  view: Pick<ImageView, 'copies' | 'stores'>,
  isOnline: (storeId: string) => boolean,
): string[] {
  const central = centralOf(view.stores).id;
  const edges = view.copies.map((copy) => copy.storeId).filter((id) => id !== central);
  const centralToo = copyAt(view.copies, central) !== undefined && !edges.some(isOnline);
  return centralToo ? [...edges, central] : edges;
}
