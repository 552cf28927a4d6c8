import type { Image } from '../image.ts';
import type { ImageMember } from '../member.ts';
import { Refusal } from '../refusal.ts';
import { requireOwner } from './identity.ts';
import { requireReadable, seesAll } from './reading.ts';
import type { Actor } from './rights.ts';

/** With how many operators an image is shared at most: Glance's image_member_quota. */
const MEMBERS_LIMIT = 128;

/** R11: with whom an image is shared is its owner's to say, or an admin's, and only a shared image is. */
export function requireMayShare(actor: Actor, image: Image): void {
  requireReadable(actor, image);
  requireOwner(actor, image, 'share');
  if (image.visibility === 'shared') return;
  throw new Refusal(
    'FORBIDDEN',
    `image ${image.id} is ${image.visibility}: only shared images have members`,
    {
      hint: `\`entrepot image set ${image.id} --visibility shared\` first`,
    },
  );
}

/** Whether `name` may become a member of an image that `requireMayShare` let be shared. */
export function requireNewMember(image: Image, name: string): void {
  const members = image.members ?? [];
  if (name === image.owner) {
    throw new Refusal('INVALID', `image ${image.id} belongs to ${name}, who sees it anyway`);
  }
  if (members.some(({ member }) => member === name)) {
    throw new Refusal('ALREADY_EXISTS', `image ${image.id} is already shared with ${name}`);
  }
  if (members.length >= MEMBERS_LIMIT) {
    throw new Refusal('CONFLICT', `image ${image.id} is shared with ${members.length} operators already`, {
      hint: 'make it visible to the community instead, or remove members first',
    });
  }
}

/** Whether to take what is offered is for the member to say, or an admin; not for the owner. */
export function requireMayAnswer(actor: Actor, image: Image, name: string): void {
  requireReadable(actor, image);
  if (actor.name === name || actor.role === 'admin') return;
  throw new Refusal('FORBIDDEN', `${actor.name} may not answer for ${name}`, {
    hint: 'only the member itself, or an admin, accepts or rejects an image',
  });
}

/** The members an operator may know of: all, or itself alone. */
export function visibleMembers(actor: Actor, image: Image, members: readonly ImageMember[]): ImageMember[] {
  requireReadable(actor, image);
  const seesThem = seesAll(actor) || actor.name === image.owner;
  return members.filter(({ member }) => seesThem || member === actor.name);
}

export function memberNotFound(imageId: string, name: string): Refusal {
  return new Refusal('NOT_FOUND', `image ${imageId} is not shared with ${name}`, {
    hint: `\`entrepot image member list ${imageId}\` shows its members`,
  });
}
