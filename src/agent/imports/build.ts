import { readFile } from 'node:fs/promises';
import type { ImportConfig } from '../../config/import-config.ts';
import { Confinement } from '../../confine/confinement.ts';
import { Refusal } from '../../domain/refusal.ts';
import { AddressFilter } from '../../fetch/address-filter.ts';
import { HttpSource } from '../../fetch/http-source.ts';
import { UriFilter } from '../../fetch/uri-filter.ts';
import { CertificateFolder } from '../../image/signature/certificates.ts';
import { Staging } from '../../staging/staging.ts';
import type { ImportParts } from './parts.ts';

/** What files are taken in with. INVALID, NOT_FOUND or FORBIDDEN when the configuration cannot be followed. */
export async function buildImports(config: ImportConfig): Promise<ImportParts> {
  const { maxVirtualSizeBytes, vmdkTypes, allowLuks, requireMatch, web } = config;
  const { decompression, conversion, introspection, certificates, maxDecompressionRatio } = config;
  return {
    rules: {
      inspection: { maxVirtualSizeBytes, vmdkTypes, allowLuks },
      requireMatch,
      decompression,
      conversion,
      introspection,
    },
    staging: new Staging(config.staging),
    web: new HttpSource({
      uris: new UriFilter(web.filter),
      addresses: new AddressFilter({ allowedNetworks: web.allowedNetworks }),
      maxBytes: web.maxBytes,
      limits: web.attempts === undefined ? {} : { attempts: web.attempts },
      caPem: web.caFile === undefined ? undefined : await readCa(web.caFile),
    }),
    confinement: new Confinement({ limits: config.programLimits }),
    growth: { maxBytes: maxVirtualSizeBytes, maxRatio: maxDecompressionRatio },
    certificates: certificates === undefined ? undefined : new CertificateFolder(certificates),
  };
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Refusal('INVALID', `web_download.ca_file ${path} cannot be read`, {
      hint: 'name a file with certificates in PEM that the agent may read',
      cause: error,
    });
  }
}
