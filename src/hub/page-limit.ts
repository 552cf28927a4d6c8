import { Refusal } from '../domain/refusal.ts';

const PAGE_DEFAULT = 100;
const PAGE_LIMIT = 1000;

/** How many a list shows at once: 0 leaves it to the hub. INVALID above the limit. */
export function pageLimit(asked: number): number {
  if (asked === 0) return PAGE_DEFAULT;
  if (asked > PAGE_LIMIT) throw new Refusal('INVALID', `limit ${asked} is above ${PAGE_LIMIT}`);
  return asked;
}
