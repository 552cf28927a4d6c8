import { Option } from 'commander';
import { isUuid, parseStoreId } from '../domain/ids.ts';
import { DEFAULT_LANE, LANES } from '../domain/lane.ts';
import { Refusal } from '../domain/refusal.ts';

/*
 * What commands have in common in their arguments. A mistake is a Refusal with a hint, told
 * before the hub is asked.
 */

/** The end of a command's help. */
export function example(...lines: readonly string[]): string {
  const title = lines.length === 1 ? 'Example:' : 'Examples:';
  return `\n${title}\n${lines.map((line) => `  $ ${line}\n`).join('')}`;
}

/** Which stores a copy goes to. */
export function storesOption(): Option {
  return new Option('--stores <ids>', 'these stores, separated by commas').argParser(parseStoreIds);
}

export function allStoresOption(): Option {
  return new Option('--all-stores', 'every store that lacks it').conflicts('stores');
}

export function allMustSucceedOption(): Option {
  return new Option(
    '--all-stores-must-succeed',
    'one store that fails fails all: copies made are taken back',
  );
}

export function allowFailureOption(): Option {
  return new Option('--allow-failure <yes>', 'false: as --all-stores-must-succeed')
    .choices(['true', 'false'])
    .argParser((text: string) => {
      if (text === 'true' || text === 'false') return text === 'true';
      throw new Refusal('INVALID', `--allow-failure is '${text}'`, { hint: 'true or false' });
    });
}

export function laneOption(): Option {
  return new Option('--lane <lane>', 'demand goes before normal, normal before background')
    .choices(LANES)
    .default(DEFAULT_LANE);
}

/** Of a store or a job. What it means is for the hub to say. */
export function rateOption(): Option {
  return new Option(
    '--rate <timetable>',
    "bytes per second in K, M or G as in 20M, by the time of the week as in 'Mon-Fri 08:00 20M, 18:00 off'; off: no limit",
  ).makeOptionMandatory();
}

export function waitOption(): Option {
  return new Option('--wait', 'show the job until it has ended; the exit code is its outcome');
}

/** A job's UUID; INVALID otherwise. */
export function parseJobId(text: string): string {
  const id = text.toLowerCase();
  if (isUuid(id)) return id;
  throw new Refusal('INVALID', `job id '${text}' is not a UUID`, {
    hint: '`entrepot job list --all` shows the jobs',
  });
}

/** `dcn0,dcn1`; without repeats. */
export function parseStoreIds(text: string, before: readonly string[] = []): string[] {
  const ids = text.split(',').map((id) => parseStoreId(id.trim()));
  return [...new Set([...before, ...ids])];
}

/** `--property k=v k=v --property k=v`; the value may be empty and may hold `=`. */
export function parseProperty(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) {
    throw new Refusal('INVALID', `property '${text}' is not KEY=VALUE`, {
      hint: 'as in --property os_distro=debian --property hw_disk_bus=virtio',
    });
  }
  const key = text.slice(0, at);
  if (Object.hasOwn(before, key)) throw new Refusal('INVALID', `property ${key} is given twice`);
  // Own keys only, whatever they are called.
  return Object.fromEntries([...Object.entries(before), [key, text.slice(at + 1)]]);
}

/** `--property k --property l` of `unset`. A value would be taken for part of the name. */
export function parsePropertyNames(text: string, before: readonly string[] = []): string[] {
  if (text !== '' && !text.includes('=')) return [...before, text];
  throw new Refusal('INVALID', `'${text}' is not the name of a property`, {
    hint: 'as in --property hw_disk_bus, without a value',
  });
}

/** `--config` of a daemon, which its subcommands share and some do without. INVALID when it is missing. */
export function requireConfig(config: string | undefined, command: string): string {
  if (config !== undefined) return config;
  throw new Refusal('INVALID', "required option '--config <file>' not specified", {
    hint: `\`entrepot ${command} --help\` shows how`,
  });
}

export function parseTags(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** A whole number from `min` on, in the option's unit. */
export function wholeNumber(what: string, min: number, max = 0x7fff_ffff): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new Refusal('INVALID', `${what} '${text}' is not a whole number from ${min} to ${max}`);
  };
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

/** `4096`, `20M`, `2G` in bytes, with K, M, G and T as powers of 1024; INVALID otherwise. */
export function byteCount(what: string): (text: string) => number {
  return (text) => {
    const [, count = '', unit = ''] = /^(\d{1,15})([KMGT]?)$/.exec(text) ?? [];
    const bytes = count === '' ? Number.NaN : Number(count) * (UNIT_BYTES[unit] ?? Number.NaN);
    if (Number.isSafeInteger(bytes)) return bytes;
    throw new Refusal('INVALID', `${what} '${text}' is not a number of bytes`, {
      hint: 'bytes, or K, M, G, T as in 20M; K is 1024 bytes',
    });
  };
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
/** As long as a certificate authority lives. */
const MAX_DURATION_SECONDS = 3650 * 86_400;

/** `90s`, `15m`, `24h`, `90d` in seconds; INVALID otherwise. */
export function durationSeconds(what: string): (text: string) => number {
  return (text) => {
    const [, count = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
    const seconds = Number(count) * (UNIT_SECONDS[unit] ?? 0);
    if (seconds > 0 && seconds <= MAX_DURATION_SECONDS) return seconds;
    throw new Refusal('INVALID', `${what} '${text}' is not a duration`, {
      hint: 'seconds, minutes, hours or days, as in 90s, 15m, 24h, 90d; at most 3650d',
    });
  };
}
