import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { type Address, formatAddress } from './address.ts';
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
  peerAddress,
  requireTlsBeyondLoopback,
  storeId,
  text,
  wholeNumber,
} from './fields.ts';
import { decideImports, type ImportConfig, importFields } from './import-config.ts';
import { resolvePath } from './paths.ts';

const MIB = 1024 * 1024;

/** The ports of DESIGN.md, on the loopback: where else is for whoever sets it up to say. */
const DEFAULT_TRANSFER: Address = { host: '127.0.0.1', port: 7442 };
const DEFAULT_HTTP: Address = { host: '127.0.0.1', port: 7443 };
/** Beside the configuration. */
const DEFAULT_CREDENTIALS = 'credentials';
/** A cluster that is recovering may take seconds to answer; one that takes longer is not there. */
const DEFAULT_RBD_TIMEOUT_MS = 30_000;
/** As OpenStack names its image pool. */
const DEFAULT_FILE_POOL = 'images';
/** 2.5 x wanted rate x round trip: about 100 MB/s at 80 ms. */
const DEFAULT_WINDOW_BYTES = 16 * MIB;
/** HTTP/2's own window, below which nothing is won; and what one transfer may take of an agent's memory. */
const WINDOW_MIN_BYTES = 64 * 1024;
/** Beyond it a transfer could hold more than 64 MiB, and more than that be sent again after a kill. */
const WINDOW_MAX_BYTES = 32 * MIB;

/** The first is the default: it finds what the pool did not keep, for reading all of a copy once. */
const VERIFY = ['read-back', 'arrival'] as const;

/** The first is the default: only where it makes a copy faster does it earn what it takes of the processors. */
const COMPRESSION = ['auto', 'on', 'off'] as const;

export interface AgentConfig {
  /** The store this agent serves, as the hub's configuration names it. */
  readonly store: string;
  /** `host:port` */
  readonly hub: string;
  /** The folder with the agent's key and certificate, as `resolvePath` says. The agent writes to it. */
  readonly credentials: string;
  readonly driver: DriverConfig;
  readonly listen: { readonly transfer: Address; readonly http: Address };
  readonly http: HttpConfig;
  /** `host:port` at which other agents reach this one. Undefined: where `listen.transfer` got bound. */
  readonly transferAddress: string | undefined;
  readonly transfer: {
    /** What one transfer may have under way, and in memory, on all its connections. */
    readonly windowBytes: number;
    /** Of one transfer; `auto`: by the distance. */
    readonly connections: 'auto' | number;
    /** Of the sockets that send image data: `auto`, `system`, or the name of an algorithm of the kernel. */
    readonly congestionControl: string;
    /** What a copy to this store is compared with its manifest by: all of it read back, or as it arrives. */
    readonly verify: (typeof VERIFY)[number];
    /** Whether what this store sends is packed: while it makes a copy faster, whatever it costs, or never. */
    readonly compression: (typeof COMPRESSION)[number];
  };
  readonly imports: ImportConfig;
  readonly log: LogConfig;
}

export type DriverConfig = RbdDriverConfig | FileDriverConfig;

/** Paths are absolute where the agent runs. */
export interface RbdDriverConfig {
  readonly type: 'rbd';
  readonly conf: string;
  /** Without `client.` */
  readonly client: string;
  /** Undefined: where ceph.conf says. */
  readonly keyring: string | undefined;
  readonly pool: string;
  /** How long an operation of the cluster may take. */
  readonly timeoutMs: number;
}

export interface FileDriverConfig {
  readonly type: 'file';
  readonly folder: string;
  readonly pool: string;
  /** Undefined: as much as the disk holds. */
  readonly quotaBytes: number | undefined;
}

const driver = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('rbd'),
    conf: text,
    client: text.regex(/^(?!client\.)/, 'must be the name without `client.`'),
    keyring: text.optional(),
    pool: text,
    timeout_ms: wholeNumber(1000, 600_000).optional(),
  }),
  z.strictObject({
    type: z.literal('file'),
    folder: text,
    pool: text.optional(),
    quota_bytes: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  }),
]);

/** Listening there says nothing of where one is reached. */
const ALL_ADDRESSES: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** As many as a ticket is good for. */
const connectionCount = z.literal(['auto', 1, 2, 3, 4, 5, 6, 7, 8], {
  error: 'must be auto, or a whole number from 1 to 8',
});

/** Which ones there are the kernel knows: an agent goes on without one that it does not have. */
const congestionControl = text.regex(
  /^[a-z][a-z0-9_-]{0,14}$/,
  'must be auto, system, or the name of an algorithm, as bbr',
);

/** Exported for `checkConfig`, which tells the two kinds of files by their keys. */
export const agentSchema = z
  .strictObject({
    store: storeId,
    hub: peerAddress,
    credentials: text.optional(),
    driver,
    listen: z.strictObject({ transfer: listenAddress.optional(), http: listenAddress.optional() }).optional(),
    http,
    transfer_address: peerAddress.optional(),
    transfer: z
      .strictObject({
        window_bytes: wholeNumber(WINDOW_MIN_BYTES, WINDOW_MAX_BYTES).optional(),
        connections: connectionCount.optional(),
        congestion_control: congestionControl.optional(),
        verify: z.enum(VERIFY).optional(),
        compression: z.enum(COMPRESSION).optional(),
      })
      .optional(),
    ...importFields,
    log,
  })
  .superRefine(requireTlsBeyondLoopback)
  .superRefine(({ listen, transfer_address }, context) => {
    const address = listen?.transfer;
    if (address === undefined || transfer_address !== undefined || !ALL_ADDRESSES.has(address.host)) return;
    context.addIssue({
      code: 'custom',
      path: ['transfer_address'],
      message: `must say where others reach this agent while listen.transfer is ${formatAddress(address)}`,
    });
  });

type Parsed = z.output<typeof agentSchema>;

/** INVALID with every problem, one a line: `file:line:col: key: what it must be`. NOT_FOUND when there is no file. */
export async function loadAgentConfig(file: string): Promise<AgentConfig> {
  const document = await ConfigDocument.read(file);
  return decideAgentConfig(document.parse(agentSchema), dirname(resolve(file)));
}

function decideAgentConfig(parsed: Parsed, folder: string): AgentConfig {
  const { listen } = parsed;
  const httpAddress = listen?.http ?? { ...DEFAULT_HTTP };
  const credentials = resolvePath(folder, parsed.credentials ?? DEFAULT_CREDENTIALS);
  return deepFreeze({
    store: parsed.store,
    hub: parsed.hub,
    credentials,
    driver: decideDriver(parsed.driver, folder),
    listen: { transfer: listen?.transfer ?? { ...DEFAULT_TRANSFER }, http: httpAddress },
    http: decideHttp(parsed.http, httpAddress),
    transferAddress: parsed.transfer_address,
    transfer: {
      windowBytes: parsed.transfer?.window_bytes ?? DEFAULT_WINDOW_BYTES,
      connections: parsed.transfer?.connections ?? 'auto',
      congestionControl: parsed.transfer?.congestion_control ?? 'auto',
      verify: parsed.transfer?.verify ?? VERIFY[0],
      compression: parsed.transfer?.compression ?? COMPRESSION[0],
    },
    imports: decideImports(parsed, folder, credentials),
    log: decideLog(parsed.log),
  });
}

function decideDriver(parsed: Parsed['driver'], folder: string): DriverConfig {
  if (parsed.type === 'file') {
    return {
      type: 'file',
      folder: resolvePath(folder, parsed.folder),
      pool: parsed.pool ?? DEFAULT_FILE_POOL,
      quotaBytes: parsed.quota_bytes,
    };
  }
  return {
    type: 'rbd',
    conf: resolvePath(folder, parsed.conf),
    client: parsed.client,
    keyring: parsed.keyring === undefined ? undefined : resolvePath(folder, parsed.keyring),
    pool: parsed.pool,
    timeoutMs: parsed.timeout_ms ?? DEFAULT_RBD_TIMEOUT_MS,
  };
}
