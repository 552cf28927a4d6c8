import { mark, mibText, spreadText, table } from '../common/table.ts';
import type { MethodSummary, PairSummary } from './summary.ts';

/** Tables in Markdown, with columns that also line up on a terminal. */
export function methodTable(
  summaries: readonly MethodSummary[],
  titleOf: (method: string) => string,
): string {
  const header = [
    'what',
    'runs',
    'wall s, median (min to max)',
    'client CPU s/GiB',
    'OSD CPU s/GiB',
    'peak MiB',
    'wire MiB',
    'pool MiB',
  ];
  return table([
    header,
    ...summaries.map((one) => [
      titleOf(one.method),
      String(one.runs),
      mark(one, spreadText(one.wallSeconds)),
      one.clientCpuPerGib.toFixed(2),
      one.osdCpuPerGib.toFixed(2),
      mibText(one.peakBytes),
      mibText(one.wireBytes),
      mibText(one.poolBytes),
    ]),
  ]);
}

export function pairTable(summaries: readonly PairSummary[], titleOf: (method: string) => string): string {
  return table([
    ['ratio, pair by pair', 'to', 'pairs', 'wall, median (min to max)', 'client CPU, median (min to max)'],
    ...summaries.map((one) => [
      titleOf(one.subject),
      titleOf(one.rival),
      String(one.pairs),
      mark(one, spreadText(one.wall)),
      spreadText(one.cpu),
    ]),
  ]);
}
