import { quoted, UnacceptableError } from './probe.ts';

export interface Descriptor {
  readonly createType: string;
  /** Empty where there is none. */
  readonly adapterType: string;
}

/** What a disk without a parent names as its parent. */
const NO_PARENT = 'ffffffff';

const COMMENT = /^#/;
/** `createType="streamOptimized"`, and `ddb.adapterType = "ide"`, of the disk's database. */
const KEY = /^\w[\w.]*$/;
/** `RW 16384 SPARSE "disk.vmdk"`; other kinds of extent have more, or less, after the kind. */
const EXTENT = /^(RW|RDONLY|NOACCESS)\s+(\d+)\s+(\w+)(?:\s+(.*))?$/i;
const EXTENT_NAME = /^"([^"]+)"$/;

/** Separators of paths, and of what QEMU takes for a protocol. */
const NOT_IN_A_NAME = /[/\\:]/;

/** What hides behind one may be read by somebody. */
const CONTROL_CHARACTER = /(?!\t)\p{Cc}/u;

/** Its first line, by convention; and the first field, after comments and empty lines, by which QEMU knows it. */
const FIRST_LINE = /^\s*#\s*disk descriptorfile/i;
const FIRST_FIELD = /^(?:#[^\n]*\n|[ \r]*\n)*version=[123]\r?\n/;
const FIRST_BYTES = 4096;

/** Whether a file is nothing but a descriptor. */
export function looksLikeDescriptor(head: Buffer): boolean {
  const beginning = head.toString('latin1', 0, FIRST_BYTES);
  return FIRST_LINE.test(beginning) || FIRST_FIELD.test(beginning);
}

/**
 * Reads the descriptor of a disk that is to be whole in its own file. Every line must be understood; keys are the
 * same in any case. Throws UnacceptableError for another file that it names, or that it leaves open.
 */
export function parseDescriptor(text: string): Descriptor {
  // Anywhere: QEMU looks for the word itself, also within a comment.
  if (/parentFileNameHint/i.test(text)) throw hasParent();
  const fields = new Map<string, string>();
  const extents: string[] = [];
  for (const line of text.split(/\r?\n/).map((each) => each.trim())) {
    if (CONTROL_CHARACTER.test(line)) throw malformed('it is not text');
    if (line === '' || COMMENT.test(line)) continue;
    if (EXTENT.test(line)) extents.push(line);
    else readField(line, fields);
  }
  const createType = fields.get('createtype');
  if (createType === undefined) throw malformed('it does not name the type of the disk');
  if (fields.get('parentcid')?.toLowerCase() !== NO_PARENT) throw hasParent();
  checkExtents(extents);
  return { createType, adapterType: fields.get('ddb.adaptertype') ?? '' };
}

function readField(line: string, fields: Map<string, string>): void {
  const [name = '', ...rest] = line.split('=');
  const key = name.trim().toLowerCase();
  const value = unquoted(rest.join('=').trim());
  if (!KEY.test(key) || rest.length === 0 || value.includes('"')) {
    throw malformed(`the line ${quoted(line)} is not understood`);
  }
  // Readers differ in which of two they take.
  if (fields.has(key)) throw malformed(`it says twice what ${quoted(key)} is`);
  fields.set(key, value);
}

function unquoted(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

function checkExtents(extents: readonly string[]): void {
  for (const extent of extents) {
    const [, , , kind = '', rest = ''] = EXTENT.exec(extent) ?? [];
    const name = EXTENT_NAME.exec(rest)?.[1];
    if (kind.toUpperCase() !== 'SPARSE' || name === undefined) {
      throw badExtent(`the VMDK has an extent of kind ${quoted(kind)} that is not in its own file`);
    }
    if (NOT_IN_A_NAME.test(name) || name === '.' || name === '..') {
      throw badExtent(`an extent of the VMDK names a path, ${quoted(name)}`);
    }
  }
  if (extents.length !== 1) throw badExtent(`the VMDK has ${extents.length} extents, where it must have one`);
}

function malformed(why: string): UnacceptableError {
  return new UnacceptableError(
    'vmdk-descriptor',
    `the descriptor of the VMDK is not sound: ${why}`,
    'make it anew: `qemu-img convert -O vmdk -o subformat=streamOptimized IMAGE NEW.vmdk`',
  );
}

function badExtent(message: string): UnacceptableError {
  return new UnacceptableError(
    'vmdk-extent',
    message,
    'make it whole in one file: `qemu-img convert -O vmdk -o subformat=streamOptimized IMAGE NEW.vmdk`',
  );
}

function hasParent(): UnacceptableError {
  return new UnacceptableError(
    'vmdk-parent',
    'the VMDK holds only its differences from a parent, or does not say that it has none',
    'merge its snapshots first, then export it',
  );
}
