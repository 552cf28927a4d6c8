/** Throws an Error that names the option when its text is no whole number of `least` or more. */
export function wholeNumber(option: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least && text.trim() !== '') return number;
  throw new Error(`${option} ${text}: a whole number of ${least} or more is needed`);
}

/** Of a list separated by commas. Throws an Error that names the option and what there is when some are unknown. */
export function namesOf(option: string, text: string, known: readonly string[]): string[] {
  const wanted = text.split(',');
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length === 0) return wanted;
  throw new Error(`${option}: there is no ${unknown.join(', ')}; there are ${known.join(', ')}`);
}
