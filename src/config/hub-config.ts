import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { CONTAINER_FORMATS, type ContainerFormat, DISK_FORMATS, type DiskFormat } from '../domain/image.ts';
import { Refusal } from '../domain/refusal.ts';
import { OPERATOR_ROLES } from '../domain/rules/rights.ts';
import type { Address } from './address.ts';
import { ConfigDocument } from './document.ts';
import {
  decideHttp,
  decideLog,
  deepFreeze,
  type HttpConfig,
  http,
  type LogConfig,
  listenAddress,
  log,
  requireTlsBeyondLoopback,
  text,
  wholeNumber,
} from './fields.ts';
import { resolvePath } from './paths.ts';

/** The ports of DESIGN.md, on the loopback: where else is for whoever sets it up to say. */
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
/** Beside the catalogue, so that one folder holds all the state of a hub. */
const DEFAULT_CREDENTIALS = 'credentials';
/** Renewed by themselves at two thirds: a month leaves ten days for a site that is away. */
const DEFAULT_AGENT_LIFETIME_SECONDS = 30 * 86_400;
/** Renewed by people: a quarter is rare enough, and short enough for a laptop that was lost. */
const DEFAULT_OPERATOR_LIFETIME_SECONDS = 90 * 86_400;
/** From whoever adds a store to whoever sets up its agent, perhaps on the next day. */
const DEFAULT_JOIN_TOKEN_LIFETIME_SECONDS = 86_400;
/** A year, and the time to look for what happened a year ago. */
const DEFAULT_AUDIT_KEEP_DAYS = 400;
/** What Nova takes grows with each release: what this version does not know yet may be right. */
const DEFAULT_STRICT_PROPERTIES = false;

/** What a script that does not wait between calls may take, and what leaves a small hub time for others. */
const DEFAULT_OPERATOR_CALLS_PER_SECOND = 100;
/** An agent asks in bursts, when it attaches and when copies begin. */
const DEFAULT_AGENT_CALLS_PER_SECOND = 200;
/** Two for each of a few hundred sites, and for each operator. */
const DEFAULT_CONNECTIONS = 2048;
/** Sixty agents may be behind one address, and attach at the same time. */
const DEFAULT_CONNECTIONS_PER_NETWORK = 512;

/** As in Glance: what an admin brings in is left as it is. */
const DEFAULT_IGNORED_ROLES: readonly string[] = ['admin'];

const HOUR_MS = 3_600_000;
const MINUTE_SECONDS = 60;
const DAY_SECONDS = 86_400;
/** Whoever left in the evening goes on in the morning. */
const DEFAULT_UPLOAD_KEEP_SECONDS = DAY_SECONDS;
/** Certificates live shorter than the authority that signed them, by years. */
const LIFETIME_LIMIT_SECONDS = 2 * 366 * DAY_SECONDS;

export interface HubConfig {
  readonly listen: { readonly grpc: Address; readonly http: Address };
  /** The SQLite file, absolute. */
  readonly catalogue: string;
  /** The folder with the hub's key and certificates; as `resolvePath` says, and absolute where the hub runs. */
  readonly credentials: string;
  readonly http: HttpConfig;
  readonly certificates: CertificatesConfig;
  /** How long a new join token may be used, when whoever asks for it does not say. */
  readonly joinTokenLifetimeMs: number;
  /** After how many days events are forgotten. */
  readonly auditKeepDays: number;
  /** Values of known image properties that nobody understands are refused, and not only warned of. */
  readonly strictProperties: boolean;
  readonly limits: LimitsConfig;
  readonly imports: ImportsConfig;
  readonly queue: QueueConfig;
  /** How often agents report. */
  readonly heartbeatIntervalMs: number;
  readonly log: LogConfig;
}

/** How long what the hub issues is good for. Its own certificate: a year. */
export interface CertificatesConfig {
  readonly agentLifetimeMs: number;
  /** Of API tokens too, when whoever asks for one does not say. */
  readonly operatorLifetimeMs: number;
}

/** What one caller may take of the hub. Bursts may be twice as high. */
export interface LimitsConfig {
  readonly operatorCallsPerSecond: number;
  readonly agentCallsPerSecond: number;
  /** Open at once, in all. */
  readonly connections: number;
  /** Open at once, from one IPv4 address or one IPv6 /64. */
  readonly connectionsPerNetwork: number;
}

/** What may come in, and what is set on it. */
export interface ImportsConfig {
  readonly diskFormats: readonly DiskFormat[];
  readonly containerFormats: readonly ContainerFormat[];
  /** For so long an upload that broke off is kept for who comes back with the rest; 0: not at all. */
  readonly uploadKeepMs: number;
  readonly injection: {
    readonly properties: Readonly<Record<string, string>>;
    /** Roles of operators whose images are left as they are. */
    readonly ignoredRoles: readonly string[];
  };
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

/** As short as an agent can keep up with. */
const LIFETIME_LEAST_SECONDS = 10;

const lifetime = wholeNumber(LIFETIME_LEAST_SECONDS, LIFETIME_LIMIT_SECONDS);

/** Exported for `checkConfig`, which tells the two kinds of files by their keys. */
export const hubSchema = z
  .strictObject({
    listen: z.strictObject({ grpc: listenAddress.optional(), http: listenAddress.optional() }).optional(),
    http,
    catalogue: text,
    credentials: text.optional(),
    certificates: z
      .strictObject({
        agent_lifetime_seconds: lifetime.optional(),
        operator_lifetime_seconds: lifetime.optional(),
      })
      .optional(),
    join_token_lifetime_seconds: wholeNumber(MINUTE_SECONDS, 30 * DAY_SECONDS).optional(),
    audit_keep_days: wholeNumber(1, 36_500).optional(),
    strict_properties: z.boolean().optional(),
    limits: z
      .strictObject({
        operator_calls_per_second: wholeNumber(1, 100_000).optional(),
        agent_calls_per_second: wholeNumber(10, 100_000).optional(),
        connections: wholeNumber(16, 65_536).optional(),
        connections_per_network: wholeNumber(2, 65_536).optional(),
      })
      .optional(),
    disk_formats: z.array(z.enum(DISK_FORMATS)).min(1).optional(),
    container_formats: z.array(z.enum(CONTAINER_FORMATS)).min(1).optional(),
    upload_keep_seconds: wholeNumber(0, 30 * DAY_SECONDS).optional(),
    inject_properties: z
      .strictObject({
        properties: z.record(z.string().min(1).max(255), z.string().max(65_535)),
        ignore_user_roles: z.array(z.enum(OPERATOR_ROLES)).optional(),
      })
      .optional(),
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
  })
  .superRefine(requireTlsBeyondLoopback);

type Parsed = z.output<typeof hubSchema>;

/** INVALID with every problem, one a line: `file:line:col: key: what it must be`. NOT_FOUND when there is no file. */
export async function loadHubConfig(file: string): Promise<HubConfig> {
  const document = await ConfigDocument.read(file);
  try {
    return decideHubConfig(document.parse(hubSchema), dirname(resolve(file)));
  } catch (error) {
    if (!(error instanceof Refusal && document.keys().includes('stores'))) throw error;
    throw new Refusal(error.code, error.message, {
      hint: 'take `stores` out: stores are added by `entrepot store add ID`, and the catalogue keeps them',
      cause: error,
    });
  }
}

function decideHubConfig(parsed: Parsed, folder: string): HubConfig {
  const { listen, limits, queue } = parsed;
  const catalogue = resolve(folder, parsed.catalogue);
  const httpAddress = listen?.http ?? { ...DEFAULT_HTTP };
  const seconds = (given: number | undefined, otherwise: number) => (given ?? otherwise) * 1000;
  return deepFreeze({
    listen: { grpc: listen?.grpc ?? { ...DEFAULT_GRPC }, http: httpAddress },
    http: decideHttp(parsed.http, httpAddress),
    catalogue,
    credentials:
      parsed.credentials === undefined
        ? resolve(dirname(catalogue), DEFAULT_CREDENTIALS)
        : resolvePath(folder, parsed.credentials),
    certificates: {
      agentLifetimeMs: seconds(parsed.certificates?.agent_lifetime_seconds, DEFAULT_AGENT_LIFETIME_SECONDS),
      operatorLifetimeMs: seconds(
        parsed.certificates?.operator_lifetime_seconds,
        DEFAULT_OPERATOR_LIFETIME_SECONDS,
      ),
    },
    joinTokenLifetimeMs: seconds(parsed.join_token_lifetime_seconds, DEFAULT_JOIN_TOKEN_LIFETIME_SECONDS),
    auditKeepDays: parsed.audit_keep_days ?? DEFAULT_AUDIT_KEEP_DAYS,
    strictProperties: parsed.strict_properties ?? DEFAULT_STRICT_PROPERTIES,
    limits: {
      operatorCallsPerSecond: limits?.operator_calls_per_second ?? DEFAULT_OPERATOR_CALLS_PER_SECOND,
      agentCallsPerSecond: limits?.agent_calls_per_second ?? DEFAULT_AGENT_CALLS_PER_SECOND,
      connections: limits?.connections ?? DEFAULT_CONNECTIONS,
      connectionsPerNetwork: limits?.connections_per_network ?? DEFAULT_CONNECTIONS_PER_NETWORK,
    },
    imports: {
      diskFormats: parsed.disk_formats ?? DISK_FORMATS,
      containerFormats: parsed.container_formats ?? CONTAINER_FORMATS,
      uploadKeepMs: seconds(parsed.upload_keep_seconds, DEFAULT_UPLOAD_KEEP_SECONDS),
      injection: {
        properties: parsed.inject_properties?.properties ?? {},
        ignoredRoles: parsed.inject_properties?.ignore_user_roles ?? DEFAULT_IGNORED_ROLES,
      },
    },
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
