import type { Refusal } from './refusal.ts';

/*
 * Rates in bytes per second, as operators write them.
 */

/** The rate of what has no limit. */
export const UNLIMITED = Number.POSITIVE_INFINITY;

/** As the rest of Entrepot shows bytes: powers of 1024, so that `20M` is 20 MiB/s. */
const UNIT_BYTES = { B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 } as const;
type Unit = keyof typeof UNIT_BYTES;

/** Slower than this, a chunk takes more than an hour. */
const MIN_RATE = UNIT_BYTES.K;
/** Far from any link, and from where numbers get inexact. */
const MAX_RATE = 1_000_000 * UNIT_BYTES.G;

const SHAPE_HINT =
  'bytes per second in K (1024), M or G as in 512K, 20M, 1.5G, or `off` for no limit; 100 Mbit/s are 11.9M';
const PAUSE_HINT = '`off` is no limit; `entrepot store pause` and `entrepot job pause` stop transfers';

/** `512K`, `1.5G`, `off` in bytes per second; INVALID otherwise, `wrong` saying what is, in its own words. */
export function parseRate(text: string, wrong: (why: string, hint: string) => Refusal): number {
  if (/^off$/i.test(text)) return UNLIMITED;
  const [, number = '', unit = ''] = /^(\d{1,16}(?:\.\d{1,3})?)([BKMG])$/i.exec(text) ?? [];
  if (unit === '') throw wrong('is no rate', SHAPE_HINT);
  const rate = Math.round(Number(number) * UNIT_BYTES[unit.toUpperCase() as Unit]);
  if (rate < MIN_RATE) throw wrong('is less than 1K', PAUSE_HINT);
  if (rate > MAX_RATE) throw wrong(`is more than ${formatRate(MAX_RATE)}`, SHAPE_HINT);
  return rate;
}

/** In the largest unit that, with at most three decimals, says exactly this rate. */
export function formatRate(rate: number): string {
  if (rate === UNLIMITED) return 'off';
  for (const unit of ['G', 'M', 'K'] as const) {
    const number = Math.round((rate / UNIT_BYTES[unit]) * 1000) / 1000;
    if (number > 0 && Math.round(number * UNIT_BYTES[unit]) === rate) return `${number}${unit}`;
  }
  return `${rate}B`;
}
