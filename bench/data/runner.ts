import type { Meter, Reading } from '../common/meter.ts';
import type { Method, Outcome } from './method.ts';
import type { Quiet } from './quiet.ts';
import { type Comparison, orderOf } from './schedule.ts';

/** How often a run that others disturbed is made again. */
const REPEATS = 3;

/** One run of a method, checked. */
export interface Run extends Reading, Outcome {
  readonly comparison: string;
  readonly round: number;
  readonly method: string;
  /** How many runs were thrown away for it. */
  readonly repeats: number;
  /** Others took more than the limit of the machine, also in every repeat: this is the quietest of them. */
  readonly isDisturbed: boolean;
}

export interface RunnerParts {
  readonly methods: ReadonlyMap<string, Method>;
  readonly meter: Pick<Meter, 'measure'>;
  readonly quiet: Pick<Quiet, 'untilOsdsAre' | 'untilMachineIs'>;
  /** Of the machine. */
  readonly othersLimit: number;
  readonly signal: AbortSignal;
  readonly onRun: (run: Run) => void;
}

/** Makes all runs, pair by pair. */
export async function runAll(
  parts: RunnerParts,
  comparisons: readonly Comparison[],
  pairs: number,
): Promise<Run[]> {
  const runs: Run[] = [];
  for (let round = 0; round < pairs; round++) {
    for (const comparison of comparisons) {
      for (const name of orderOf(comparison, round)) {
        const method = parts.methods.get(name);
        if (method === undefined) throw new Error(`there is no method ${name}`);
        const measured = await undisturbed(parts, method);
        const run = { comparison: comparison.name, round, method: name, ...measured };
        parts.onRun(run);
        runs.push(run);
      }
    }
  }
  return runs;
}

type Measured = Omit<Run, 'comparison' | 'round' | 'method'>;

async function undisturbed(parts: RunnerParts, method: Method): Promise<Measured> {
  const { othersLimit, quiet, signal } = parts;
  let quietest: Measured | undefined;
  for (let repeats = 0; repeats <= REPEATS; repeats++) {
    if (repeats > 0) await quiet.untilMachineIs(signal);
    const once = await runOnce(parts, method);
    const measured = { ...once, repeats, isDisturbed: once.othersShare > othersLimit };
    if (!measured.isDisturbed) return measured;
    if (quietest === undefined || once.othersShare < quietest.othersShare) quietest = measured;
  }
  if (quietest === undefined) throw new Error('no run was made');
  return { ...quietest, repeats: REPEATS };
}

async function runOnce({ meter, quiet, signal }: RunnerParts, method: Method): Promise<Reading & Outcome> {
  await using trial = await method.prepare(signal);
  await quiet.untilOsdsAre(signal);
  const reading = await meter.measure(
    () => trial.clients(),
    () => trial.run(),
  );
  return { ...reading, ...(await trial.check()) };
}
