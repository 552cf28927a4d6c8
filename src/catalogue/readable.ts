import { OPEN_VISIBILITIES, seesAll } from '../domain/rules/reading.ts';
import type { Actor } from '../domain/rules/rights.ts';

/** `maySee` of the rules as a condition on `images`, so that pages are full. Undefined: no filter. */
export const READABLE = `(@seesAll OR images.owner = @reader OR images.visibility IN (${OPEN_VISIBILITIES.map((one) => `'${one}'`).join(', ')}))`;

/** The parameters of `READABLE`. */
export function readableBy(actor: Actor | undefined): { seesAll: 0 | 1; reader: string } {
  return { seesAll: actor === undefined || seesAll(actor) ? 1 : 0, reader: actor?.name ?? '' };
}
