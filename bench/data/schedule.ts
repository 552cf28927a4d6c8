/** Two methods that are run one after the other, or one alone. */
export interface Comparison {
  /** As `--only` takes it. */
  readonly name: string;
  readonly subject: string;
  readonly rival?: string;
}

const RIVALS = ['export-import', 'export-diff', 'export-diff-ssh', 'qemu-img'];
/** Those that need what not every machine has. */
export const SSH_RIVALS = ['export-diff-ssh', 'export-diff-ssh-2'];
export const QEMU_RIVALS = ['qemu-img', 'qemu-img-2'];

const PAIRS: readonly Comparison[] = [
  ...['read', 'write', ...RIVALS].map((rival) => ({ name: rival, subject: 'entrepot', rival })),
  // One after the other: agents are started anew where what went before was not verified so.
  ...RIVALS.map((rival) => ({ name: `${rival}-arrival`, subject: 'entrepot-arrival', rival })),
  ...RIVALS.map((rival) => ({
    name: `${rival}-2-arrival`,
    subject: 'entrepot-2-arrival',
    rival: `${rival}-2`,
  })),
  ...RIVALS.map((rival) => ({ name: `${rival}-2`, subject: 'entrepot-2', rival: `${rival}-2` })),
  { name: 'entrepot-similar', subject: 'entrepot-similar', rival: 'entrepot' },
];
/** Run for themselves only when asked for: by default they are in the pairs. */
const ALONE: readonly Comparison[] = ['entrepot', 'entrepot-arrival', 'entrepot-2', 'entrepot-2-arrival'].map(
  (name) => ({ name, subject: name }),
);

export const COMPARISON_NAMES = [...ALONE, ...PAIRS].map(({ name }) => name);

/** What to compare: those named, or all pairs; without those that cannot be run here. */
export function comparisons(only: readonly string[] | undefined, leftOut: readonly string[]): Comparison[] {
  const wanted = only === undefined ? PAIRS : [...ALONE, ...PAIRS].filter(({ name }) => only.includes(name));
  return wanted.filter(({ rival = '' }) => !leftOut.includes(rival));
}

/** In which order the methods of a comparison run: alternately, so that neither is always the one that comes second. */
export function orderOf({ subject, rival }: Comparison, round: number): string[] {
  if (rival === undefined) return [subject];
  return round % 2 === 0 ? [subject, rival] : [rival, subject];
}
