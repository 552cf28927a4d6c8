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

/** Glance's limits, so that a record fits there too. */
const NAME_LENGTH = 255;
const TAG_LENGTH = 255;
const TAGS = 128;
const PROPERTIES = 128;
const PROPERTY_LENGTH = 65_535;
/** Of `min_disk` and `min_ram`: 32 bits in Glance's database. */
const NUMBER_LIMIT = 0x7fff_ffff;

/** Glance's own; clients may not write them. */
const RESERVED_PREFIX = 'os_glance';

/** Fields that are found out, and the ways Glance has to name the data: no property is called so. */
const READ_ONLY: readonly string[] = (
  'id status size virtual_size checksum os_hash_algo os_hash_value created_at updated_at ' +
  'direct_url locations stores self file schema'
).split(' ');

/** Fields that an owner gives by themselves; as a property they would hide the field in Glance's records. */
const FIELDS: readonly string[] =
  'name visibility owner protected os_hidden disk_format container_format min_disk min_ram tags members'.split(
    ' ',
  );

export function checkName(name: string): string {
  checkLength('name', name, NAME_LENGTH);
  if (name !== '') return name;
  throw new Refusal('INVALID', 'the image has no name', { hint: 'give one with --name' });
}

/** Without repeats. */
export function checkTags(tags: readonly string[]): string[] {
  for (const tag of tags) {
    if (tag === '') throw new Refusal('INVALID', 'a tag is empty');
    checkLength('tag', tag, TAG_LENGTH);
  }
  return [...new Set(tags)];
}

/** INVALID or FORBIDDEN naming the property. */
export function checkProperties(properties: Readonly<Record<string, string>>): Record<string, string> {
  for (const [key, value] of Object.entries(properties)) {
    checkPropertyName(key);
    checkLength(`property ${key}`, value, PROPERTY_LENGTH);
  }
  return Object.fromEntries(Object.entries(properties));
}

/** Whether clients may set, and remove, a property of this name. */
export function checkPropertyName(key: string): string {
  if (key === '') throw new Refusal('INVALID', 'a property has no name');
  checkLength('property name', key, NAME_LENGTH);
  if (key.startsWith(RESERVED_PREFIX)) {
    throw new Refusal('FORBIDDEN', `property ${key} is reserved`, {
      hint: `names that begin with ${RESERVED_PREFIX} are set by the hub alone`,
    });
  }
  if (READ_ONLY.includes(key)) {
    throw new Refusal('FORBIDDEN', `${key} is a field of the record that nobody sets: it is found out`);
  }
  if (FIELDS.includes(key)) {
    throw new Refusal('INVALID', `${key} is a field of the record, not a property`, {
      hint: '`entrepot image set --help` shows the option for it',
    });
  }
  return key;
}

/** Of the whole record, whatever came to it bit by bit. */
export function checkCounts<Record extends Pick<ImageDraft, 'tags' | 'properties'>>(record: Record): Record {
  if (record.tags.length > TAGS) throw new Refusal('INVALID', `more than ${TAGS} tags`);
  if (Object.keys(record.properties).length > PROPERTIES) {
    throw new Refusal('INVALID', `more than ${PROPERTIES} properties`);
  }
  return record;
}

export function checkNumber(field: 'min_disk' | 'min_ram', value: number): number {
  if (value <= NUMBER_LIMIT) return value;
  throw new Refusal('INVALID', `${field} ${value} is too large`, { hint: `at most ${NUMBER_LIMIT}` });
}

export function parseVisibility(text: string): Visibility {
  return oneOf('visibility', text, VISIBILITIES);
}

export function parseDiskFormat(text: string): DiskFormat {
  return oneOf('disk_format', text, DISK_FORMATS);
}

export function parseContainerFormat(text: string): ContainerFormat {
  return oneOf('container_format', text, CONTAINER_FORMATS);
}

/** INVALID with the words there are, for any other. */
export function oneOf<T extends string>(field: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found !== undefined) return found;
  throw new Refusal('INVALID', `${field} '${value.slice(0, 64)}' is not known`, {
    hint: `one of ${allowed.join(', ')}`,
  });
}

function checkLength(what: string, text: string, limit: number): void {
  if (text.length > limit)
    throw new Refusal('INVALID', `${what} is ${text.length} characters long, the limit is ${limit}`);
}
