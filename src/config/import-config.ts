import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { text, wholeNumber } from './fields.ts';
import { resolvePath } from './paths.ts';

const GIB = 1024 ** 3;

/** Enough for a few golden images at once; the disk's own free space is asked for as well. */
const DEFAULT_STAGING_QUOTA_BYTES = 100 * GIB;
/** The largest disk that common hypervisors give a guest by default. */
const DEFAULT_MAX_VIRTUAL_SIZE_BYTES = 16 * 1024 * GIB;
/** Disks of zeros pack a thousand times; what grows further is made to. */
const DEFAULT_MAX_DECOMPRESSION_RATIO = 1000;
/** What Glance allows since CVE-2022-47951: all of the disk is in the one file. */
const DEFAULT_VMDK_TYPES = ['streamOptimized', 'monolithicSparse'] as const;
const DEFAULT_WEB_MAX_BYTES = 1024 * GIB;

const port = wholeNumber(1, 65_535);
const bytes = wholeNumber(1, Number.MAX_SAFE_INTEGER);

/** How files come in at this store. Keys of the agent's configuration. */
export const importFields = {
  staging: z.strictObject({ folder: text.optional(), quota_bytes: bytes.optional() }).optional(),
  imports: z
    .strictObject({
      max_virtual_size_bytes: bytes.optional(),
      vmdk_allowed_types: z.array(text).optional(),
      allow_luks: z.boolean().optional(),
      require_format_match: z.boolean().optional(),
      decompression: z.boolean().optional(),
      max_decompression_ratio: wholeNumber(1, 1_000_000).optional(),
      conversion: z.boolean().optional(),
      introspection: z.boolean().optional(),
      certificates: text.optional(),
      program_limits: z
        .strictObject({
          memory_bytes: bytes.optional(),
          cpu_seconds: wholeNumber(1, 1_000_000).optional(),
          processes: wholeNumber(1, 100_000).optional(),
        })
        .optional(),
    })
    .optional(),
  web_download: z
    .strictObject({
      allowed_schemes: z.array(z.enum(['http', 'https'])).optional(),
      disallowed_schemes: z.array(z.enum(['http', 'https'])).optional(),
      allowed_hosts: z.array(text).optional(),
      disallowed_hosts: z.array(text).optional(),
      allowed_ports: z.array(port).optional(),
      disallowed_ports: z.array(port).optional(),
      allowed_networks: z.array(text).optional(),
      max_bytes: bytes.optional(),
      attempts: wholeNumber(1, 100).optional(),
      ca_file: text.optional(),
    })
    .superRefine((web, context) => {
      for (const part of ['schemes', 'hosts', 'ports'] as const) {
        const disallowed = web[`disallowed_${part}`] ?? [];
        const allowed = web[`allowed_${part}`];
        const decides = part === 'hosts' ? (allowed ?? []).length > 0 : allowed?.length !== 0;
        if (disallowed.length === 0 || !decides) continue;
        context.addIssue({
          code: 'custom',
          path: [`disallowed_${part}`],
          message: `has no effect while allowed_${part} decides alone: set allowed_${part}: []`,
        });
      }
    })
    .optional(),
};

type Parsed = {
  readonly [Key in keyof typeof importFields]?: z.output<(typeof importFields)[Key]> | undefined;
};

export interface ImportConfig {
  /** Where files wait that are not raw; absolute. */
  readonly staging: { readonly folder: string; readonly quotaBytes: number };
  readonly maxVirtualSizeBytes: number;
  readonly vmdkTypes: readonly string[];
  readonly allowLuks: boolean;
  /** A file has to be of the format it was declared to be. */
  readonly requireMatch: boolean;
  readonly decompression: boolean;
  readonly maxDecompressionRatio: number;
  readonly conversion: boolean;
  readonly introspection: boolean;
  /** A folder, or a file of certificates in PEM; absolute. Undefined: signed images are refused. */
  readonly certificates: string | undefined;
  /** Of qemu-img and xz; what is left out is the default of `Confinement`. */
  readonly programLimits: {
    readonly memoryBytes?: number;
    readonly cpuSeconds?: number;
    readonly processes?: number;
  };
  readonly web: WebDownloadConfig;
}

/** Undefined: the default of `UriFilter`. */
export interface WebDownloadConfig {
  readonly filter: {
    readonly allowedSchemes?: readonly string[];
    readonly disallowedSchemes?: readonly string[];
    readonly allowedHosts?: readonly string[];
    readonly disallowedHosts?: readonly string[];
    readonly allowedPorts?: readonly number[];
    readonly disallowedPorts?: readonly number[];
  };
  readonly allowedNetworks: readonly string[];
  readonly maxBytes: number;
  /** Of one download in a row without a byte in between, before it is given back to the hub; undefined: DEFAULT_LIMITS. */
  readonly attempts: number | undefined;
  /** PEM; absolute. */
  readonly caFile: string | undefined;
}

/** Paths from `folder`; the staging folder, when none is given, is beside that of the credentials, one for each store. */
export function decideImports(
  parsed: Parsed & { readonly store: string },
  folder: string,
  credentials: string,
): ImportConfig {
  const { staging, imports } = parsed;
  const limits = imports?.program_limits;
  return {
    staging: {
      folder:
        staging?.folder === undefined
          ? resolve(dirname(credentials), `staging-${parsed.store}`)
          : resolvePath(folder, staging.folder),
      quotaBytes: staging?.quota_bytes ?? DEFAULT_STAGING_QUOTA_BYTES,
    },
    maxVirtualSizeBytes: imports?.max_virtual_size_bytes ?? DEFAULT_MAX_VIRTUAL_SIZE_BYTES,
    vmdkTypes: imports?.vmdk_allowed_types ?? [...DEFAULT_VMDK_TYPES],
    allowLuks: imports?.allow_luks ?? false,
    requireMatch: imports?.require_format_match ?? true,
    decompression: imports?.decompression ?? true,
    maxDecompressionRatio: imports?.max_decompression_ratio ?? DEFAULT_MAX_DECOMPRESSION_RATIO,
    conversion: imports?.conversion ?? true,
    introspection: imports?.introspection ?? true,
    certificates: imports?.certificates === undefined ? undefined : resolvePath(folder, imports.certificates),
    programLimits: {
      ...(limits?.memory_bytes !== undefined && { memoryBytes: limits.memory_bytes }),
      ...(limits?.cpu_seconds !== undefined && { cpuSeconds: limits.cpu_seconds }),
      ...(limits?.processes !== undefined && { processes: limits.processes }),
    },
    web: decideWeb(parsed.web_download, folder),
  };
}

function decideWeb(web: Parsed['web_download'], folder: string): WebDownloadConfig {
  const given = {
    allowedSchemes: web?.allowed_schemes,
    disallowedSchemes: web?.disallowed_schemes,
    allowedHosts: web?.allowed_hosts,
    disallowedHosts: web?.disallowed_hosts,
    allowedPorts: web?.allowed_ports,
    disallowedPorts: web?.disallowed_ports,
  };
  const filter = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return {
    filter,
    allowedNetworks: web?.allowed_networks ?? [],
    maxBytes: web?.max_bytes ?? DEFAULT_WEB_MAX_BYTES,
    attempts: web?.attempts,
    caFile: web?.ca_file === undefined ? undefined : resolvePath(folder, web.ca_file),
  };
}
