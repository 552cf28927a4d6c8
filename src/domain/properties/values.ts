import { isUuid } from '../ids.ts';

/** What a property may be. */
export interface Values {
  /** For sentences, after `allowed is `. */
  readonly allowed: string;
  allows(value: string): boolean;
}

/** One of these words, which are apart by spaces. */
export function oneOf(words: string): Values {
  const known = words.split(' ');
  return { allowed: known.join(', '), allows: (value) => known.includes(value) };
}

/** As `oneOf`, written in any case: Nova turns it into small letters. */
export function oneOfInAnyCase(words: string): Values {
  const known = words.toLowerCase().split(' ');
  return { allowed: words.split(' ').join(', '), allows: (value) => known.includes(value.toLowerCase()) };
}

/** What oslo.utils takes for a boolean, in any case; it takes everything else for false. */
const BOOLEANS = ['true', 'false', 'yes', 'no', 'on', 'off', 't', 'f', 'y', 'n', '1', '0'];

export const aBoolean: Values = {
  allowed: 'true or false (or yes, no, on, off, 1, 0)',
  allows: (value) => BOOLEANS.includes(value.trim().toLowerCase()),
};

/** A whole number. */
export function wholeNumber(min: number, max = 0x7fff_ffff): Values {
  const bounds = max === 0x7fff_ffff ? `from ${min} on` : `from ${min} to ${max}`;
  return {
    allowed: `a whole number ${bounds}`,
    allows: (value) => /^\d{1,10}$/.test(value) && Number(value) >= min && Number(value) <= max,
  };
}

export const aUuid: Values = {
  allowed: 'a UUID',
  allows: (value) => isUuid(value.toLowerCase()),
};

/** Anything that matches; `allowed` says it in words. */
export function matching(pattern: RegExp, allowed: string): Values {
  return { allowed, allows: (value) => pattern.test(value) };
}
