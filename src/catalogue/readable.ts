import { OPEN_VISIBILITIES, seesAll } from '../domain/rules/reading.ts';
import type { Actor } from '../domain/rules/rights.ts';

const OPEN = OPEN_VISIBILITIES.map((one) => `'${one}'`).join(', ');

/** Those that are shared with the reader, be it as `condition` says. */
function sharedWithReader(condition: string): string {
  return `(images.visibility = 'shared' AND EXISTS (SELECT 1 FROM image_members AS shared
    WHERE shared.image_id = images.id AND shared.member = @reader AND ${condition}))`;
}

function readable(isShared: string): string {
  return `(@seesAll OR images.owner = @reader OR images.visibility IN (${OPEN}) OR ${isShared})`;
}

/** `isInLists` of the rules as a condition on `images`, so that pages are full. Undefined: no filter. */
export const READABLE = readable(sharedWithReader(`shared.status = 'accepted'`));

/** `maySee` of the rules: for what is asked of one image, by its id. */
export const KNOWN = readable(sharedWithReader('true'));

/** The parameters of `READABLE` and `KNOWN`. */
export function readableBy(actor: Actor | undefined): { seesAll: 0 | 1; reader: string } {
  return { seesAll: actor === undefined || seesAll(actor) ? 1 : 0, reader: actor?.name ?? '' };
}
