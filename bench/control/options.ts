import { parseArgs } from 'node:util';

/** Sites of the smallest run, the middle one, and the one the targets are about. */
const SITES = '10,100,1000';
const IMAGES = '10000';
const COPIES = '100000';
/** Images copied to all stores at the same time. */
const TOGETHER = '100';
/** Longer than this nobody waits for a copy to end: what has ended by then is reported. */
const LIMIT_SECONDS = '180';

/** With the inventories in pages, and two connections of agents and operators on one machine. */
const SITES_MAX = 2000;

export const USAGE = `usage: npm run bench:control -- [--sites 10,100,1000] [--images ${IMAGES}] [--copies ${COPIES}]
         [--together ${TOGETHER}] [--limit ${LIMIT_SECONDS}] [--json FILE] [--cpu-profile FOLDER]

  --sites        sites (the central one counts), one run for each
  --images       images in the catalogue before anything is measured
  --copies       copies of them; fewer where there are not enough stores to hold so many
  --together     images that are copied to all stores at once
  --limit        seconds to wait for copies to end
  --json         writes the figures to a file
  --cpu-profile  profiles of the hub go to a folder, one for each part; figures are a little worse with it`;

export interface BenchOptions {
  readonly sites: readonly number[];
  readonly images: number;
  readonly copies: number;
  readonly together: number;
  readonly limitMs: number;
  readonly jsonPath: string | undefined;
  /** Where CPU profiles of the hub go. */
  readonly profileFolder: string | undefined;
}

/** Throws an Error that names what is wrong. `'help'` when that is all that is asked. */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sites: { type: 'string', default: SITES },
      images: { type: 'string', default: IMAGES },
      copies: { type: 'string', default: COPIES },
      together: { type: 'string', default: TOGETHER },
      limit: { type: 'string', default: LIMIT_SECONDS },
      json: { type: 'string' },
      'cpu-profile': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const together = whole('--together', values.together, 1, 1000);
  const images = whole('--images', values.images, 1, 100_000);
  if (images < freshImages(together)) {
    throw new Error(
      `--images ${images}: with --together ${together} at least ${freshImages(together)} are needed`,
    );
  }
  return {
    sites: values.sites.split(',').map((text) => whole('--sites', text, 2, SITES_MAX)),
    images,
    copies: whole('--copies', values.copies, 0, 10_000_000),
    together,
    limitMs: whole('--limit', values.limit, 1, 3600) * 1000,
    jsonPath: values.json,
    profileFolder: values['cpu-profile'],
  };
}

/** Single copies, each of an image of its own, that are asked for one after the other and several at a time. */
export const SINGLE_COPIES = { alone: 100, busy: 200 } as const;

/** Images that only central holds, so that there is something to copy: one alone, those together, the single copies. */
export function freshImages(together: number): number {
  return 1 + together + SINGLE_COPIES.alone + SINGLE_COPIES.busy;
}

function whole(name: string, text: string, least: number, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new Error(`${name} ${text}: must be a whole number from ${least} to ${most}`);
}
