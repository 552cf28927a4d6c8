/**
 * What the sender of an image decided about packing it, and why. Each with its number on the wire; 0 is for
 * a sender that says nothing.
 */
export const COMPRESSIONS = [
  'not-wanted',
  'link-keeps-up',
  'processors-busy',
  'data-does-not-give-way',
  'on',
] as const;
export type Compression = (typeof COMPRESSIONS)[number];

const IN_WORDS: Readonly<Record<Compression, string>> = {
  'not-wanted': 'off: not wanted',
  'link-keeps-up': 'off: the link keeps up',
  'processors-busy': 'off: the processors are busy',
  'data-does-not-give-way': 'off: the data does not give way',
  on: 'on',
};

/** For people: `on`, or `off` and the reason. */
export function compressionInWords(compression: Compression): string {
  return IN_WORDS[compression];
}

/** Its number on the wire, from 1 on. */
export function compressionCode(compression: Compression): number {
  return COMPRESSIONS.indexOf(compression) + 1;
}

/** Undefined for 0, and for what a later version may say. */
export function compressionOfCode(code: number): Compression | undefined {
  return COMPRESSIONS[code - 1];
}
