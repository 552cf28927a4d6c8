import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { ROLES, type Role } from '../domain/store.ts';
import type { Address } from './address.ts';
import { ConfigDocument } from './document.ts';
import {
  decideLog,
  deepFreeze,
  type LogConfig,
  listenAddress,
  log,
  storeId,
  text,
  wholeNumber,
} from './fields.ts';

/** The ports of DESIGN.md, on the loopback: until connections are encrypted there is nothing else. */
const DEFAULT_GRPC: Address = { host: '127.0.0.1', port: 7440 };
const DEFAULT_HTTP: Address = { host: '127.0.0.1', port: 7441 };
/** Two keep a site's line busy while one of them verifies; more only share the same line. */
const DEFAULT_WIDTH_PER_STORE = 2;
/** What one central site can serve at once without its readers waiting for each other. */
const DEFAULT_WIDTH = 16;
/** With the delays below, tries go on for a few minutes: longer is for a person to look at. */
const DEFAULT_MAX_ATTEMPTS = 5;
/** Long enough for a daemon to be restarted. */
const DEFAULT_FIRST_DELAY_MS = 1000;
/** A site that comes back is used again within five minutes. */
const DEFAULT_MAX_DELAY_MS = 300_000;
/** Three of them missing make a store offline: 15 s. */
const DEFAULT_HEARTBEAT_INTERVAL_MS = 5000;

const HOUR_MS = 3_600_000;

export interface HubConfig {
  readonly listen: { readonly grpc: Address; readonly http: Address };
  /** The SQLite file, absolute. */
  readonly catalogue: string;
  readonly stores: readonly StoreConfig[];
  readonly queue: QueueConfig;
  /** How often agents report. */
  readonly heartbeatIntervalMs: number;
  readonly log: LogConfig;
}

export interface StoreConfig {
  readonly id: string;
  readonly role: Role;
}

export interface QueueConfig {
  /** Tasks at work at one store. */
  readonly widthPerStore: number;
  /** Tasks at work at all stores together. */
  readonly width: number;
  /** Failed attempts after which a task has failed. */
  readonly maxAttempts: number;
  /** Back-off between attempts: doubles from the first delay to the longest. */
  readonly retry: { readonly firstDelayMs: number; readonly maxDelayMs: number };
}

const stores = z
  .array(z.strictObject({ id: storeId, role: z.enum(ROLES) }))
  .min(1)
  .superRefine((given, context) => {
    const problem = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    for (const [index, { id, role }] of given.entries()) {
      if (given.findIndex((store) => store.id === id) < index) {
        problem([index, 'id'], `must be unique, there is another store '${id}'`);
      }
      if (role === 'central' && given.findIndex((store) => store.role === 'central') < index) {
        problem([index, 'role'], 'must be edge, as there is another central store: exactly one is central');
      }
    }
    if (given.length > 0 && !given.some(({ role }) => role === 'central')) {
      problem([], 'must have exactly one store with role central, has none');
    }
  });

/** Exported for `checkConfig`, which tells the two kinds of files by their keys. */
export const hubSchema = z.strictObject({
  listen: z.strictObject({ grpc: listenAddress.optional(), http: listenAddress.optional() }).optional(),
  catalogue: text,
  stores,
  queue: z
    .strictObject({
      width_per_store: wholeNumber(1, 64).optional(),
      width: wholeNumber(1, 1024).optional(),
      max_attempts: wholeNumber(1, 100).optional(),
      retry: z
        .strictObject({
          first_delay_ms: wholeNumber(10, HOUR_MS).optional(),
          max_delay_ms: wholeNumber(10, 24 * HOUR_MS).optional(),
        })
        .optional(),
    })
    .optional()
    .superRefine((queue, context) => {
      const { firstDelayMs, maxDelayMs } = decideRetry(queue?.retry);
      if (firstDelayMs <= maxDelayMs) return;
      context.addIssue({
        code: 'custom',
        path: ['retry'],
        message: `must have first_delay_ms (${firstDelayMs}) no longer than max_delay_ms (${maxDelayMs})`,
      });
    }),
  heartbeat_interval_ms: wholeNumber(100, 60_000).optional(),
  log,
});

type Parsed = z.output<typeof hubSchema>;

/** INVALID with every problem, one a line: `file:line:col: key: what it must be`. NOT_FOUND when there is no file. */
export async function loadHubConfig(file: string): Promise<HubConfig> {
  const document = await ConfigDocument.read(file);
  return decideHubConfig(document.parse(hubSchema), dirname(resolve(file)));
}

function decideHubConfig(parsed: Parsed, folder: string): HubConfig {
  const { listen, queue } = parsed;
  return deepFreeze({
    listen: { grpc: listen?.grpc ?? { ...DEFAULT_GRPC }, http: listen?.http ?? { ...DEFAULT_HTTP } },
    catalogue: resolve(folder, parsed.catalogue),
    stores: parsed.stores,
    queue: {
      widthPerStore: queue?.width_per_store ?? DEFAULT_WIDTH_PER_STORE,
      width: queue?.width ?? DEFAULT_WIDTH,
      maxAttempts: queue?.max_attempts ?? DEFAULT_MAX_ATTEMPTS,
      retry: decideRetry(queue?.retry),
    },
    heartbeatIntervalMs: parsed.heartbeat_interval_ms ?? DEFAULT_HEARTBEAT_INTERVAL_MS,
    log: decideLog(parsed.log),
  });
}

function decideRetry(retry: NonNullable<Parsed['queue']>['retry']): QueueConfig['retry'] {
  return {
    firstDelayMs: retry?.first_delay_ms ?? DEFAULT_FIRST_DELAY_MS,
    maxDelayMs: retry?.max_delay_ms ?? DEFAULT_MAX_DELAY_MS,
  };
}
