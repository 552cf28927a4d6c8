import { total } from '../common/meter.ts';
import { median, type Spread, spread } from '../common/statistics.ts';
import type { Run } from './runner.ts';
import type { Comparison } from './schedule.ts';

/** All runs of a method, in medians. Those that were disturbed count only where there are no others. */
export interface MethodSummary {
  readonly method: string;
  readonly runs: number;
  readonly isDisturbed: boolean;
  readonly wallSeconds: Spread;
  /** Of all client processes, per GiB of data and copy. */
  readonly clientCpuPerGib: number;
  readonly osdCpuPerGib: number;
  /** Of the largest client process, the most of all runs. */
  readonly peakBytes: number;
  readonly wireBytes: number | undefined;
  /** Of the largest copy; undefined where none is made. */
  readonly poolBytes: number | undefined;
}

/** The subject's figure by the rival's, pair by pair. */
export interface PairSummary {
  readonly comparison: string;
  readonly subject: string;
  readonly rival: string;
  readonly pairs: number;
  readonly isDisturbed: boolean;
  readonly wall: Spread;
  readonly cpu: Spread;
}

/** `dataBytes`: of the image. `copies`: that the method makes. */
export function summariseMethod(
  runs: readonly Run[],
  { method, copies, dataBytes }: { method: string; copies: number; dataBytes: number },
): MethodSummary | undefined {
  const { counted, isDisturbed } = countedOf(
    runs.filter((run) => run.method === method),
    (run) => run.isDisturbed,
  );
  const wallSeconds = spread(counted.map((run) => run.wallSeconds));
  if (wallSeconds === undefined) return undefined;
  const gib = (dataBytes * copies) / 2 ** 30;
  return {
    method,
    runs: counted.length,
    isDisturbed,
    wallSeconds,
    clientCpuPerGib: median(counted.map(clientCpu)) / gib,
    osdCpuPerGib: median(counted.map((run) => run.osdCpuSeconds)) / gib,
    peakBytes: Math.max(...counted.flatMap((run) => Object.values(run.peakBytes))),
    wireBytes: medianOf(counted.map((run) => run.wireBytes)),
    poolBytes: largest(counted.flatMap((run) => run.poolBytes)),
  };
}

export function summarisePairs(
  runs: readonly Run[],
  { name, subject, rival }: Comparison,
): PairSummary | undefined {
  if (rival === undefined) return undefined;
  const mine = runs.filter((run) => run.comparison === name);
  const all = mine
    .filter((run) => run.method === subject)
    .flatMap((one) => {
      const other = mine.find((run) => run.method === rival && run.round === one.round);
      return other === undefined ? [] : [{ one, other }];
    });
  const { counted, isDisturbed } = countedOf(all, ({ one, other }) => one.isDisturbed || other.isDisturbed);
  const wall = spread(counted.map(({ one, other }) => one.wallSeconds / other.wallSeconds));
  const cpu = spread(counted.map(({ one, other }) => clientCpu(one) / clientCpu(other)));
  if (wall === undefined || cpu === undefined) return undefined;
  return { comparison: name, subject, rival, pairs: counted.length, isDisturbed, wall, cpu };
}

function clientCpu(run: Run): number {
  return total(Object.values(run.cpuSeconds));
}

function countedOf<T>(
  all: readonly T[],
  isBad: (one: T) => boolean,
): { counted: readonly T[]; isDisturbed: boolean } {
  const good = all.filter((one) => !isBad(one));
  return good.length > 0
    ? { counted: good, isDisturbed: false }
    : { counted: all, isDisturbed: all.length > 0 };
}

function medianOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : median(known);
}

function largest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.max(...values);
}
