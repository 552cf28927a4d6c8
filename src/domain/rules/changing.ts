import type { Image, ImageChanges, ImageDraft } from '../image.ts';
import { Refusal } from '../refusal.ts';
import { requireOwner } from './identity.ts';
import { requireVisible } from './reading.ts';
import type { Actor } from './rights.ts';

/**
 * R11: who may make such a record. As Glance has it by default (`publicize_image`), what everybody is
 * shown is for admins to say; and nobody else makes images in somebody's name.
 */
export function requireDraftAllowed(actor: Actor, draft: Pick<ImageDraft, 'owner' | 'visibility'>): void {
  if (draft.owner !== actor.name) requireAdmin(actor, `make an image that belongs to ${draft.owner}`);
  if (draft.visibility === 'public') requireAdmin(actor, 'make an image public');
}

/**
 * R11, and what of a record is settled once data has come. NOT_FOUND or FORBIDDEN; the record as it will
 * be otherwise.
 */
export function requireChangeable(actor: Actor, image: Image, changes: ImageChanges): ImageDraft {
  requireVisible(image);
  requireOwner(actor, image, 'change');
  const { owner, visibility } = changes;
  if (owner !== undefined && owner !== image.owner) requireAdmin(actor, 'give an image to another owner');
  if (visibility === 'public' && image.visibility !== 'public') requireAdmin(actor, 'make an image public');
  requireFormatOpen(image, changes);
  return changedRecord(image, changes);
}

function requireAdmin(actor: Actor, what: string): void {
  if (actor.role === 'admin') return;
  throw new Refusal('FORBIDDEN', `${actor.name} (${actor.role}) may not ${what}`, {
    rule: 'R11',
    hint: 'only an admin may',
  });
}

/** The data is of the format that was given before it came. */
function requireFormatOpen(image: Image, changes: ImageChanges): void {
  if (image.status === 'queued') return;
  for (const key of ['diskFormat', 'containerFormat'] as const) {
    if (changes[key] === undefined || changes[key] === image[key]) continue;
    const field = key === 'diskFormat' ? 'disk_format' : 'container_format';
    throw new Refusal(
      'FORBIDDEN',
      `${field} of image ${image.id} stays ${image[key]}: the image is ${image.status}`,
      { hint: 'it may be changed only while the image is queued' },
    );
  }
}

function changedRecord(image: Image, changes: ImageChanges): ImageDraft {
  const { properties, removedProperties, addedTags, removedTags, ...fields } = changes;
  for (const key of removedProperties) {
    if (!Object.hasOwn(image.properties, key)) throw notThere(image, `property ${key}`);
  }
  for (const tag of removedTags) {
    if (!image.tags.includes(tag)) throw notThere(image, `tag ${tag}`);
  }
  const kept = Object.entries(image.properties).filter(([key]) => !removedProperties.includes(key));
  const { name, visibility, owner, osHidden, diskFormat, containerFormat, minDiskGib, minRamMib } = image;
  const before = { name, visibility, owner, osHidden, diskFormat, containerFormat, minDiskGib, minRamMib };
  return {
    ...before,
    protected: image.protected,
    ...fields,
    tags: [...new Set([...image.tags.filter((tag) => !removedTags.includes(tag)), ...addedTags])],
    properties: Object.fromEntries([...kept, ...Object.entries(properties)]),
  };
}

function notThere(image: Image, what: string): Refusal {
  return new Refusal('NOT_FOUND', `image ${image.id} has no ${what}: nothing was changed`, {
    hint: `\`entrepot image show ${image.id}\` shows what it has`,
  });
}

/** CONFLICT for an image that has no data to hold back, or to let go again. Done twice is done once. */
export function requireSettled(image: Image, verb: 'deactivate' | 'reactivate'): void {
  requireVisible(image);
  if (image.status === 'active' || image.status === 'deactivated') return;
  throw new Refusal('CONFLICT', `image ${image.id} is ${image.status}: there is nothing to ${verb}`, {
    hint: 'only an image that has its data is active or deactivated',
  });
}
