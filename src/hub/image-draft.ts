import {
  CONTAINER_FORMATS,
  type ContainerFormat,
  DISK_FORMATS,
  type DiskFormat,
  type ImageDraft,
  VISIBILITIES,
  type Visibility,
} from '../domain/image.ts';
import { Refusal } from '../domain/refusal.ts';
import type { CreateImageRequest__Output } from '../rpc/generated/entrepot/v1/CreateImageRequest.ts';

/** Glance's limits, so that a record fits there too. */
const NAME_LENGTH = 255;
const TAG_LENGTH = 255;
const TAGS = 128;
const PROPERTIES = 128;
const PROPERTY_LENGTH = 65_535;

/** Glance's own; clients may not write them. */
const RESERVED_PREFIX = 'os_glance';

/** The fields an owner gave, checked and with Glance's defaults. INVALID or FORBIDDEN naming the field. */
export function parseDraft(request: CreateImageRequest__Output, owner: string): ImageDraft {
  checkLength('name', request.name, NAME_LENGTH);
  if (request.name === '') {
    throw new Refusal('INVALID', 'the image has no name', { hint: 'give one with --name' });
  }
  if (request.tags.length > TAGS) throw new Refusal('INVALID', `more than ${TAGS} tags`);
  for (const tag of request.tags) checkLength('tag', tag, TAG_LENGTH);
  const properties = Object.entries(request.properties);
  if (properties.length > PROPERTIES) throw new Refusal('INVALID', `more than ${PROPERTIES} properties`);
  for (const [key, value] of properties) checkProperty(key, value);
  return {
    name: request.name,
    visibility: oneOf<Visibility>('visibility', request.visibility || 'private', VISIBILITIES),
    owner,
    protected: request.protected,
    osHidden: request.osHidden,
    diskFormat: oneOf<DiskFormat>('disk_format', request.diskFormat || 'raw', DISK_FORMATS),
    containerFormat: oneOf<ContainerFormat>(
      'container_format',
      request.containerFormat || 'bare',
      CONTAINER_FORMATS,
    ),
    minDiskGib: request.minDiskGib,
    minRamMib: request.minRamMib,
    tags: [...new Set(request.tags)],
    properties: Object.fromEntries(properties),
  };
}

function checkProperty(key: string, value: string): void {
  if (key === '') throw new Refusal('INVALID', 'a property has no name');
  checkLength('property name', key, NAME_LENGTH);
  checkLength(`property ${key}`, value, PROPERTY_LENGTH);
  if (key.startsWith(RESERVED_PREFIX)) {
    throw new Refusal('FORBIDDEN', `property ${key} is reserved`, {
      hint: `names that begin with ${RESERVED_PREFIX} are set by the hub alone`,
    });
  }
}

function checkLength(what: string, text: string, limit: number): void {
  if (text.length > limit)
    throw new Refusal('INVALID', `${what} is ${text.length} characters long, the limit is ${limit}`);
}

function oneOf<T extends string>(field: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found !== undefined) return found;
  throw new Refusal('INVALID', `${field} '${value}' is not known`, { hint: `one of ${allowed.join(', ')}` });
}
