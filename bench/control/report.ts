import type { CopyFigures } from './copying.ts';
import type { CallFigures } from './measure.ts';
import type { RunFigures } from './run.ts';

const MIB = 1024 * 1024;

/** The number of sites the targets are about. */
export const TARGET_SITES = 1000;

const TARGETS = {
  listP99Ms: 50,
  acceptSeconds: 1,
  hubBytes: 400 * MIB,
} as const;

export interface Verdict {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  readonly isMet: boolean;
}

/** How the run at TARGET_SITES stands to the targets; none when there was no such run. */
export function judge(runs: readonly RunFigures[]): readonly Verdict[] {
  const run = runs.find(({ sites }) => sites === TARGET_SITES);
  if (run === undefined) return [];
  const { list, listOfCopied, copyOne, memory } = run;
  const verdict = (what: string, measured: number, target: number, unit: string, failures = 0): Verdict => ({
    what,
    target: `${target} ${unit}`,
    measured: failures > 0 ? `${failures} failed` : `${short(measured)} ${unit}`,
    isMet: failures === 0 && measured <= target,
  });
  return [
    verdict('list, p99', list.alone.p99Ms, TARGETS.listP99Ms, 'ms', list.alone.failures),
    verdict(
      'list of images that all stores hold, p99',
      listOfCopied.p99Ms,
      TARGETS.listP99Ms,
      'ms',
      listOfCopied.failures,
    ),
    verdict(
      'a copy to all is accepted',
      copyOne.acceptedSeconds,
      TARGETS.acceptSeconds,
      's',
      copyOne.accept.failures,
    ),
    verdict('memory of the hub, peak', memory.end.peakBytes / MIB, TARGETS.hubBytes / MIB, 'MiB'),
  ];
}

/** A row for each figure, a column for each number of sites, for people. */
export function table(runs: readonly RunFigures[]): string {
  const rows: readonly (readonly [string, (run: RunFigures) => string])[] = [
    ['sites', (run) => String(run.sites)],
    ['images', (run) => String(run.images)],
    ['copies before', (run) => String(run.copies)],
    ['load of the machine before', (run) => short(run.loadBefore)],
    ['hub ready, s', (run) => short(run.startSeconds)],
    ['sites attached, s', (run) => short(run.attachSeconds)],
    ...(['list', 'show', 'copy'] as const).flatMap((name) => [
      [`${name}, 1 caller: p50 / p99 ms`, (run: RunFigures) => times(run[name].alone)] as const,
      [`${name}, 8 callers: calls/s`, (run: RunFigures) => short(run[name].busy.perSecond)] as const,
      [`${name}, 8 callers: p50 / p99 ms`, (run: RunFigures) => times(run[name].busy)] as const,
    ]),
    ...copyRows('one image to all', (run) => run.copyOne),
    ...copyRows('many at once', (run) => run.copyTogether),
    ['list of copied: p50 / p99 ms', (run) => times(run.listOfCopied)],
    ['show of a copied: p50 / p99 ms', (run) => times(run.showOfCopied)],
    ['hub memory, attached: now / peak MiB', (run) => memory(run.memory.attached)],
    ['hub memory, end: now / peak MiB', (run) => memory(run.memory.end)],
    ['database before, MiB', (run) => short(run.databaseBytes.filled / MIB)],
    ['database, end: file / log MiB', ({ databaseBytes: { end, endLog } }) => pair(end / MIB, endLog / MIB)],
    ['sites detached on the way', (run) => String(run.detached.times)],
  ];
  return columns(rows.map(([name, cell]) => [name, ...runs.map(cell)]));
}

/** Why calls failed, a line for each kind that did; empty when none did. */
export function failures(runs: readonly RunFigures[]): string {
  const lines = runs.flatMap(({ sites, ...run }) => {
    const kinds: Readonly<Record<string, CallFigures>> = {
      list: run.list.busy,
      show: run.show.busy,
      copy: run.copy.busy,
      'one image to all': run.copyOne.accept,
      'many at once': run.copyTogether.accept,
      'list meanwhile': run.copyTogether.meanwhile.list,
      'show meanwhile': run.copyTogether.meanwhile.show,
      'list of copied': run.listOfCopied,
      'show of a copied': run.showOfCopied,
    };
    return Object.entries(kinds).flatMap(([name, { firstFailure }]) =>
      firstFailure === undefined ? [] : [`${sites} sites, ${name}: ${firstFailure}`],
    );
  });
  return lines.join('\n');
}

export function verdicts(all: readonly Verdict[]): string {
  return columns(
    all.map(({ what, target, measured, isMet }) => [
      what,
      `target ${target}`,
      measured,
      isMet ? 'met' : 'MISSED',
    ]),
  );
}

function copyRows(name: string, figures: (run: RunFigures) => CopyFigures) {
  const row = (what: string, cell: (figures: CopyFigures) => string) =>
    [`${name}: ${what}`, (run: RunFigures) => cell(figures(run))] as const;
  return [
    row('images x stores', ({ images, copies }) => `${images} x ${copies / images}`),
    row('accepted, s', ({ acceptedSeconds }) => short(acceptedSeconds)),
    row('accepted: p50 / p99 ms', ({ accept }) => times(accept)),
    row('ended, s', ended),
    row('copies/s', ({ copiesPerSecond }) => short(copiesPerSecond)),
    row('hub CPU ms per copy', ({ hubCpuSeconds, endedCopies }) =>
      short((1000 * hubCpuSeconds) / endedCopies),
    ),
    row('list meanwhile: p50 / p99 ms', ({ meanwhile }) => times(meanwhile.list)),
    row('show meanwhile: p50 / p99 ms', ({ meanwhile }) => times(meanwhile.show)),
  ];
}

function ended({ endedSeconds, endedCopies, copies, unsuccessful }: CopyFigures): string {
  if (endedSeconds === undefined) return `${endedCopies} of ${copies}`;
  return unsuccessful === 0 ? short(endedSeconds) : `${short(endedSeconds)}, ${unsuccessful} jobs not well`;
}

function times({ p50Ms, p99Ms, failures, calls }: CallFigures): string {
  if (failures === 0) return pair(p50Ms, p99Ms);
  return `${failures === calls ? '' : `${pair(p50Ms, p99Ms)}, `}${failures} of ${calls} failed`;
}

function memory({ residentBytes, peakBytes }: { residentBytes: number; peakBytes: number }): string {
  return pair(residentBytes / MIB, peakBytes / MIB);
}

function pair(one: number, other: number): string {
  return `${short(one)} / ${short(other)}`;
}

/** Three digits that count, and no more. */
function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  return rows
    .map((row) =>
      row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))),
    )
    .map((cells) => cells.join('  '))
    .join('\n');
}
