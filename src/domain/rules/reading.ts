import { type Image, isVisible, type Visibility } from '../image.ts';
import type { Job } from '../job.ts';
import type { MemberStatus } from '../member.ts';
import { Refusal } from '../refusal.ts';
import type { Actor } from './rights.ts';

/** What any operator may see and download. */
export const OPEN_VISIBILITIES: readonly Visibility[] = ['public', 'community'];

type Owned = Pick<Image, 'owner' | 'visibility' | 'members'>;

/** Whether the role sees other people's private images too. */
export function seesAll({ role }: Actor): boolean {
  return role === 'admin' || role === 'reader';
}

/** Whether an operator may know of an image's record and its jobs, the image being gone or not (R11). */
export function maySee(actor: Actor, image: Owned): boolean {
  return isInLists(actor, image) || membershipOf(actor, image) !== undefined;
}

/**
 * As `maySee`, in lists: what somebody was offered, and has not taken, does not come into them, or anybody could
 * fill other people's lists with what looks like images they know.
 */
export function isInLists(actor: Actor, image: Owned): boolean {
  if (seesAll(actor) || actor.name === image.owner || OPEN_VISIBILITIES.includes(image.visibility))
    return true;
  return membershipOf(actor, image) === 'accepted';
}

/** How an operator stands to an image that is shared; undefined: it is not shared with it. */
function membershipOf(actor: Actor, { visibility, members }: Owned): MemberStatus | undefined {
  if (visibility !== 'shared') return undefined;
  return members?.find(({ member }) => member === actor.name)?.status;
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

/**
 * R11: the data of others' images only where they are open, or shared with who asks; that of a deactivated one
 * is an admin's alone. NOT_FOUND where even the record is hidden.
 */
export function requireDownloadable(actor: Actor, image: Image): void {
  requireReadable(actor, image);
  if (actor.role === 'admin') return;
  if (image.status === 'deactivated') {
    throw new Refusal('FORBIDDEN', `image ${image.id} is deactivated: only an admin may download it`, {
      hint: `an admin lets it go again: \`entrepot image reactivate ${image.id}\``,
    });
  }
  const isOpen = OPEN_VISIBILITIES.includes(image.visibility) || membershipOf(actor, image) !== undefined;
  if (isOpen || actor.name === image.owner) return;
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
