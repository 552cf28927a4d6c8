import { printable } from './units.ts';

export interface Column {
  readonly header: string;
  readonly align?: 'left' | 'right';
}

/** Aligned columns, two spaces apart, a line per row; no rows gives the header alone. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map((column) => column.header), ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => width(line[index] ?? ''))));
  return lines
    .map((line) =>
      columns
        .map((column, index) => padded(line[index] ?? '', widths[index] ?? 0, column.align ?? 'left'))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** `name  value` lines, values aligned; rows without a value are left out. */
export function fields(rows: readonly (readonly [name: string, value: string])[]): string {
  const shown = rows.filter(([, value]) => value !== '');
  const nameWidth = Math.max(0, ...shown.map(([name]) => width(name)));
  return shown.map(([name, value]) => `${padded(name, nameWidth, 'left')}  ${printable(value)}\n`).join('');
}

const ASCII = /^[\x20-\x7e]*$/;
/** Made when first needed: it takes longer than the rest of a command's start. */
let segmenter: Intl.Segmenter | undefined;

/** What a person sees as characters, one place each. */
export function characters(text: string): string[] {
  if (ASCII.test(text)) return text.split('');
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

export function width(text: string): number {
  return ASCII.test(text) ? text.length : characters(text).length;
}

export function padded(text: string, columns: number, align: 'left' | 'right'): string {
  const gap = ' '.repeat(Math.max(0, columns - width(text)));
  return align === 'left' ? text + gap : gap + text;
}
