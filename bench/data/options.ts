import { parseArgs } from 'node:util';
import { namesOf, wholeNumber } from '../common/arguments.ts';
import { SMALLEST_IMAGE_MIB } from '../common/image-plan.ts';
import { COMPARISON_NAMES } from './schedule.ts';

export interface Options {
  readonly pairs: number;
  /** Of the image, a quarter of it data. */
  readonly sizeBytes: number;
  readonly only: readonly string[] | undefined;
  /** Where the figures of every run are written to. */
  readonly json: string | undefined;
  /** Of the machine; a run in which others took more is repeated. */
  readonly othersLimit: number;
}

const DEFAULT_PAIRS = 5;
const DEFAULT_SIZE_MIB = 4096;
/** A tenth of two cores makes a run about as much slower as one run differs from the next anyway. */
const DEFAULT_OTHERS_PERCENT = 10;

export const USAGE = `npm run bench -- [OPTIONS]
  --pairs N             pairs of runs of each comparison (${DEFAULT_PAIRS})
  --size-mib N          size of the image; a quarter of it is data (${DEFAULT_SIZE_MIB})
  --only NAME,...       of: ${COMPARISON_NAMES.join(', ')}
  --json FILE           write the figures of every run to a file
  --others-percent N    repeat a run in which other processes, or the host, took more of the machine (${DEFAULT_OTHERS_PERCENT})`;

/** Throws an Error whose message says what is wrong with the arguments. */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pairs: { type: 'string', default: String(DEFAULT_PAIRS) },
      'size-mib': { type: 'string', default: String(DEFAULT_SIZE_MIB) },
      only: { type: 'string' },
      json: { type: 'string' },
      'others-percent': { type: 'string', default: String(DEFAULT_OTHERS_PERCENT) },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    pairs: wholeNumber('--pairs', values.pairs, 1),
    sizeBytes: wholeNumber('--size-mib', values['size-mib'], SMALLEST_IMAGE_MIB) * 1024 * 1024,
    only: values.only === undefined ? undefined : namesOf('--only', values.only, COMPARISON_NAMES),
    json: values.json,
    othersLimit: wholeNumber('--others-percent', values['others-percent'], 1) / 100,
  };
}
