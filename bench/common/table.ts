import type { Spread } from './statistics.ts';

const MIB = 1024 * 1024;
/** Before what rests on disturbed runs alone. */
const DISTURBED_MARK = '~';

/** Rows of cells, the first one the header, as Markdown that also lines up on a terminal: all columns but the first at the right. */
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

export function spreadText({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;
}

export function mibText(bytes: number | undefined): string {
  return bytes === undefined ? '-' : String(Math.round(bytes / MIB));
}

/** The text, marked when what it tells of was disturbed. */
export function mark({ isDisturbed }: { readonly isDisturbed: boolean }, text: string): string {
  return isDisturbed ? `${DISTURBED_MARK}${text}` : text;
}

/** What the marks in the tables mean; empty when there are none. */
export function markText(summaries: readonly { readonly isDisturbed: boolean }[]): string {
  if (!summaries.some(({ isDisturbed }) => isDisturbed)) return '';
  return `${DISTURBED_MARK} something else on the machine disturbed every run this is made of\n`;
}
