import type { Spread } from './statistics.ts';
import type { MethodSummary, PairSummary } from './summary.ts';

const MIB = 1024 * 1024;
/** Before what rests on disturbed runs alone. */
const DISTURBED_MARK = '~';

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
      mib(one.peakBytes),
      mib(one.wireBytes),
      mib(one.poolBytes),
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

/** What the marks in the tables mean; empty when there are none. */
export function markText(summaries: readonly { readonly isDisturbed: boolean }[]): string {
  if (!summaries.some(({ isDisturbed }) => isDisturbed)) return '';
  return `${DISTURBED_MARK} something else on the machine disturbed every run this is made of, also each time it was repeated\n`;
}

export function spreadText({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;
}

/** Rows of cells, the first one the header; all columns but the first line up at the right. */
export function table(unescaped: readonly (readonly string[])[]): string {
  const rows = unescaped.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const [header = [], ...body] = rows;
  const widths = header.map((_, column) => Math.max(3, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const padded = (row: readonly string[]) =>
    line(
      widths.map((width, column) => {
        const cell = row[column] ?? '';
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      }),
    );
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return `${[padded(header), line(rule), ...body.map(padded)].join('\n')}\n`;
}

function mark({ isDisturbed }: { readonly isDisturbed: boolean }, text: string): string {
  return isDisturbed ? `${DISTURBED_MARK}${text}` : text;
}

function mib(bytes: number | undefined): string {
  return bytes === undefined ? '-' : String(Math.round(bytes / MIB));
}
