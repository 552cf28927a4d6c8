import { formatRate, parseRate } from './rate.ts';
import { Refusal } from './refusal.ts';

/*
 * Timetables as operators write them; the grammar is at `Timetable`.
 */

/** Monday is 0. */
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
const EVERY_DAY = DAYS.map((_, day) => day);

/** Keeps what one text may cost small, here and in the catalogue. */
const TEXT_LIMIT = 1024;

const DAYS_HINT = `days are ${DAYS.join(' ')}, or ranges of them as in Mon-Fri`;
const SHAPE_HINT = "as in 'Mon-Fri 08:00 20M, 18:00 200M, Sat-Sun off in Europe/Berlin'";

/** From this minute of these days on, this rate. */
export interface Rule {
  /** Rising. */
  readonly days: readonly number[];
  /** By this rule or one before it. */
  readonly daysNamed: boolean;
  /** After midnight. */
  readonly minute: number;
  /** Bytes per second; UNLIMITED for `off`. */
  readonly rate: number;
}

export interface TimetableParts {
  readonly rules: readonly Rule[];
  /** Its IANA name. */
  readonly zone: string;
}

interface Word {
  readonly text: string;
  /** Of its first letter, from 1. */
  readonly column: number;
}

/** INVALID, with the column of what is wrong. */
export function parseTimetable(text: string): TimetableParts {
  return new Parser(text).timetable();
}

/** In the shortest usual form. */
export function formatTimetable({ rules, zone }: TimetableParts): string {
  const daily = rules.every(({ days }) => days.length === DAYS.length);
  const texts = rules.map(({ days, minute, rate }, index) => {
    const before = rules[index - 1];
    const sameDays = daily || days.join() === before?.days.join();
    const time = minute === 0 && (!sameDays || before === undefined) ? '' : formatTime(minute);
    return [sameDays ? '' : formatDays(days), time, formatRate(rate)].filter((part) => part !== '').join(' ');
  });
  return `${texts.join(', ')}${zone === 'UTC' ? '' : ` in ${zone}`}`;
}

function formatTime(minute: number): string {
  const pad = (value: number) => String(value).padStart(2, '0');
  return `${pad(Math.floor(minute / 60))}:${pad(minute % 60)}`;
}

/** `Mon-Wed Fri`. */
function formatDays(days: readonly number[]): string {
  const firsts = days.filter((day) => !days.includes(day - 1));
  return firsts
    .map((first) => {
      let last = first;
      while (days.includes(last + 1)) last += 1;
      return first === last ? DAYS[first] : `${DAYS[first]}-${DAYS[last]}`;
    })
    .join(' ');
}

class Parser {
  readonly #words: Word[];
  readonly #taken = new Map<string, Word>();

  constructor(text: string) {
    if (text.length > TEXT_LIMIT) {
      throw new Refusal('INVALID', `a timetable has at most ${TEXT_LIMIT} characters, not ${text.length}`);
    }
    this.#words = [...text.matchAll(/,|[^\s,]+/g)].map((match) => ({
      text: match[0],
      column: match.index + 1,
    }));
    this.#words.push({ text: '', column: text.length + 1 });
  }

  timetable(): TimetableParts {
    const rules: Rule[] = [];
    do rules.push(this.#rule(rules.at(-1)));
    while (this.#skip(','));
    const zone = this.#skip('in') ? this.#zone() : 'UTC';
    if (this.#next.text === '') return { rules, zone };
    throw wrong(this.#next, "is too much: ',' separates rules, and 'in' goes before the zone", SHAPE_HINT);
  }

  #rule(before: Rule | undefined): Rule {
    const first = this.#next;
    const named = this.#days();
    if (named.length > 0 && before !== undefined && !before.daysNamed) {
      throw wrong(first, 'names days, but the rules before are for every day', 'write Mon-Sun there');
    }
    const daysNamed = named.length > 0 || before?.daysNamed === true;
    const days = named.length > 0 ? named : (before?.days ?? EVERY_DAY);
    const rule = { days, daysNamed, minute: this.#time(), rate: this.#rate() };
    for (const day of days) {
      const moment = `${DAYS[day]} ${formatTime(rule.minute)}`;
      const other = this.#taken.get(moment);
      if (other !== undefined) {
        throw wrong(
          first,
          `begins a second rule for ${moment}: the first is at column ${other.column}`,
          'each day and time can be in one rule only',
        );
      }
      this.#taken.set(moment, first);
    }
    return rule;
  }

  #days(): number[] {
    const days = new Set<number>();
    while (/^[a-z]/i.test(this.#next.text) && !/^(off|in)$/i.test(this.#next.text)) {
      for (const day of daysOf(this.#take())) days.add(day);
    }
    return [...days].sort((a, b) => a - b);
  }

  /** Minutes after midnight. */
  #time(): number {
    if (!this.#next.text.includes(':')) return 0;
    const word = this.#take();
    const [, hours = '', minutes = ''] = /^(\d{1,2}):(\d{2})$/.exec(word.text) ?? [];
    if (hours !== '' && Number(hours) < 24 && Number(minutes) < 60) {
      return Number(hours) * 60 + Number(minutes);
    }
    throw wrong(word, 'is no time of day', 'from 00:00 to 23:59');
  }

  #rate(): number {
    const word = this.#take();
    if (/^(,|in|)$/i.test(word.text)) throw wrong(word, 'comes where a rate is missing', SHAPE_HINT);
    return parseRate(word.text, (why, hint) => wrong(word, why, hint));
  }

  #zone(): string {
    const word = this.#take();
    try {
      if (!/^[a-z]/i.test(word.text)) throw new RangeError('not a name');
      const known = new Intl.DateTimeFormat('en-US', { timeZone: word.text }).resolvedOptions().timeZone;
      // Only its spelling is taken over: Europe/Kyiv stays that, though Intl calls it Europe/Kiev.
      return known.toLowerCase() === word.text.toLowerCase() ? known : word.text;
    } catch (cause) {
      throw wrong(word, 'is no time zone', 'an IANA name, as in Europe/Berlin', cause);
    }
  }

  /** At the end of the text, an empty word. */
  get #next(): Word {
    return this.#words[0] ?? { text: '', column: 1 };
  }

  #take(): Word {
    const word = this.#next;
    if (this.#words.length > 1) this.#words.shift();
    return word;
  }

  #skip(text: string): boolean {
    const found = this.#next.text.toLowerCase() === text;
    if (found) this.#take();
    return found;
  }
}

/** `Wed`, `Mon-Fri`, and over the end of the week: `Fri-Mon`. */
function daysOf(word: Word): number[] {
  const names = word.text.toLowerCase().split('-');
  const [first = -1, last = first] = names.map((name) => {
    return DAYS.findIndex((day) => day.toLowerCase() === name);
  });
  if (first < 0 || last < 0 || names.length > 2) throw wrong(word, 'is no day', DAYS_HINT);
  const count = ((last - first + DAYS.length) % DAYS.length) + 1;
  return Array.from({ length: count }, (_, index) => (first + index) % DAYS.length);
}

function wrong({ text, column }: Word, why: string, hint?: string, cause?: unknown): Refusal {
  const shown = text.length > 32 ? `${text.slice(0, 32)}...` : text;
  const what = text === '' ? 'its end' : `'${shown}'`;
  return new Refusal('INVALID', `timetable, column ${column}: ${what} ${why}`, { hint, cause });
}
