import { z } from 'zod';

/** What is wrong, in words for someone who edits the file and knows nothing of schemas. */
export function sentenceOf(issue: z.core.$ZodIssue, root: unknown): string {
  const given = valueAt(root, issue.path);
  const expected = expectedOf(issue);
  if (issue.code === 'custom' || Array.isArray(given)) return expected;
  return given === undefined ? `is missing: ${expected}` : `${expected}, is ${described(given)}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'must be a text',
  number: 'must be a number',
  int: 'must be a whole number',
  boolean: 'must be true or false',
  array: 'must be a list',
  object: 'must be a group of keys',
};

/** Schemas that know better than zod say so in a message of their own, beginning with "must". */
function expectedOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom' || issue.message.startsWith('must')) return issue.message;
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.join(', ')}`;
  if (issue.code === 'invalid_union') return `must be one of ${optionsOf(issue).join(', ')}`;
  if (issue.code === 'invalid_type') return TYPES[issue.expected] ?? `must be ${issue.expected}`;
  if (issue.code === 'too_small') return 'must not be empty';
  return issue.message;
}

function optionsOf(issue: z.core.$ZodIssue): readonly unknown[] {
  return 'options' in issue && Array.isArray(issue.options) ? issue.options : [];
}

function described(value: unknown): string {
  if (value === null || value === '') return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a group of keys';
  if (typeof value !== 'string') return JSON.stringify(value);
  return `'${value.length > 60 ? `${value.slice(0, 60)}...` : value}'`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const part of path) value = (value as Record<PropertyKey, unknown> | undefined | null)?.[part];
  return value;
}

/** The keys the schema allows at `path` of `root`. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[], root: unknown): string[] {
  let current: unknown = schema;
  let value = root;
  for (const part of path) {
    current = within(unwrapped(current, value), part);
    value = valueAt(value, [part]);
  }
  const object = unwrapped(current, value);
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

function within(schema: unknown, part: PropertyKey): unknown {
  if (schema instanceof z.ZodArray) return schema.element;
  if (schema instanceof z.ZodObject) return schema.shape[part as string];
  return undefined;
}

/** Without what says that it may be missing; of a tagged union, the member the value's tag means. */
function unwrapped(schema: unknown, value: unknown): unknown {
  if (schema instanceof z.ZodOptional) return unwrapped(schema.unwrap(), value);
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema;
  const tag = schema.def.discriminator;
  return schema.options.find(
    (option) => option instanceof z.ZodObject && option.shape[tag]?.safeParse(valueAt(value, [tag])).success,
  );
}

/** The known key that a typing error may have been meant to be. */
export function nearest(key: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, '');
  const [best] = known
    .map((name) => ({ name, distance: editDistance(plain(key), plain(name)) }))
    .filter(({ name, distance }) => distance <= 2 && distance < name.length / 2)
    .sort((left, right) => left.distance - right.distance);
  return best?.name;
}

/** Letters to insert, remove or replace to make one text of the other. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 0; row < from.length; row++) {
    const current = [row + 1];
    for (let column = 0; column < to.length; column++) {
      const replaced = (previous[column] ?? 0) + (from[row] === to[column] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
