import { type Image, isVisible, type Visibility } from '../image.ts';
import type { Job } from '../job.ts';
import { Refusal } from '../refusal.ts';
import type { Actor } from './rights.ts';

/** What any operator may see and download. */
export const OPEN_VISIBILITIES: readonly Visibility[] = ['public', 'community'];

type Owned = Pick<Image, 'owner' | 'visibility'>;

/** Whether the role sees other people's private images too. */
export function seesAll({ role }: Actor): boolean {
  return role === 'admin' || role === 'reader';
}

/** Whether an operator may know of an image's record and its jobs, the image being gone or not (R11). */
export function maySee(actor: Actor, image: Owned): boolean {
  return seesAll(actor) || actor.name === image.owner || OPEN_VISIBILITIES.includes(image.visibility);
}

/** Whether an operator sees the image: `maySee`, and it is not deleted. */
export function isReadable(actor: Actor, image: Owned & Pick<Image, 'status'>): boolean {
  return isVisible(image) && maySee(actor, image);
}

/** NOT_FOUND, in the words used for an image that never was, so that nobody learns of it that way. */
export function requireReadable(actor: Actor, image: Image): void {
  if (!isReadable(actor, image)) throw imageNotFound(image.id);
}

/** NOT_FOUND for the job of an image that the operator may not see. Jobs outlive their image. */
export function requireJobReadable(actor: Actor, job: Pick<Job, 'id'>, image: Owned): void {
  if (!maySee(actor, image)) throw jobNotFound(job.id);
}

/** R11: the data of others' images only where they are open. NOT_FOUND where even the record is hidden. */
export function requireDownloadable(actor: Actor, image: Image): void {
  requireReadable(actor, image);
  const isOpen = OPEN_VISIBILITIES.includes(image.visibility);
  if (isOpen || actor.role === 'admin' || actor.name === image.owner) return;
  throw new Refusal(
    'FORBIDDEN',
    `${actor.name} (${actor.role}) may not download image ${image.id}: it is ${image.visibility}, and belongs to ${image.owner}`,
    { rule: 'R11', hint: 'only its owner or an admin may' },
  );
}

/** NOT_FOUND for an image that is deleted or on its way there: readers do not see it any more (R9). */
export function requireVisible(image: Image): void {
  if (!isVisible(image)) throw imageNotFound(image.id);
}

export function imageNotFound(id: string): Refusal {
  return new Refusal('NOT_FOUND', `image ${id} is not in the catalogue`, {
    hint: '`entrepot image list` shows the images',
  });
}

export function jobNotFound(id: string): Refusal {
  return new Refusal('NOT_FOUND', `job ${id} is not in the catalogue`, {
    hint: '`entrepot job list --all` shows them',
  });
}
