import { join } from 'node:path';
import type { ImportParts } from '../../../src/agent/imports/parts.ts';
import { Confinement } from '../../../src/confine/confinement.ts';
import { AddressFilter } from '../../../src/fetch/address-filter.ts';
import { HttpSource } from '../../../src/fetch/http-source.ts';
import { UriFilter } from '../../../src/fetch/uri-filter.ts';
import { Staging } from '../../../src/staging/staging.ts';

/** What files are taken in with, as an agent has it that nobody has configured. */
export function importsIn(folder: string): ImportParts {
  return {
    rules: {
      inspection: { maxVirtualSizeBytes: 2 ** 40 },
      requireMatch: true,
      decompression: true,
      conversion: true,
      introspection: true,
    },
    staging: new Staging({ folder: join(folder, '..', 'staging'), quotaBytes: 2 ** 30 }),
    web: new HttpSource({ uris: new UriFilter(), addresses: new AddressFilter(), maxBytes: 2 ** 30 }),
    confinement: new Confinement(),
    growth: { maxBytes: 2 ** 40, maxRatio: 1000 },
    certificates: undefined,
  };
}
