import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import { currentFields } from './request-context.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type Log = Logger;

/** Who writes: the field `part` of a line. */
const PARTS = ['main', 'rpc', 'http', 'catalogue', 'queue', 'store', 'transfer', 'attach'] as const;
export type LogPart = (typeof PARTS)[number];
export type Loggers = Readonly<Record<LogPart, Log>>;

/** Never printed, wherever in an object they stand, down to the third level. */
const SECRET_KEYS = [
  'token',
  'ticket',
  'key',
  'privateKeyPem',
  'keyring',
  'password',
  'secret',
  'authorization',
  'bearer',
];

export interface LogSettings {
  readonly component: 'hub' | 'agent' | 'cli';
  readonly level: LogLevel;
  /** For an agent: its store, on every line. */
  readonly storeId?: string | undefined;
  /**
   * Standard output when left out. Written at once, so that the last line before a crash
   * is there; at a few lines per call this costs nothing worth saving.
   */
  readonly target?: DestinationStream | undefined;
}

/** All loggers of a process. One JSON object per line, with the fields of the running work (request-context.ts). */
export function createLoggers({ component, level, storeId, target }: LogSettings): Loggers {
  const root = pino(
    {
      level,
      base: { component, ...(storeId !== undefined && { storeId }) },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: currentFieldsCopy,
      redact: { paths: secretPaths(), censor: '[hidden]' },
    },
    target ?? destination({ dest: 1, sync: true }),
  );
  return Object.fromEntries(PARTS.map((part) => [part, root.child({ part })])) as Record<LogPart, Log>;
}

/** pino writes into what a mixin returns. */
function currentFieldsCopy(): object {
  return { ...currentFields() };
}

function secretPaths(): string[] {
  return SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
}
