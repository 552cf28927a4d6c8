import type { Confinement } from '../../confine/confinement.ts';
import type { HttpSource } from '../../fetch/http-source.ts';
import type { GrowthLimits } from '../../image/decompress/growth.ts';
import type { EntryRules } from '../../image/entry.ts';
import type { CertificateFolder } from '../../image/signature/certificates.ts';
import type { Staging } from '../../staging/staging.ts';

/** What an agent takes files in with, as its configuration says. */
export interface ImportParts {
  readonly rules: EntryRules;
  readonly staging: Staging;
  readonly web: HttpSource;
  /** Of qemu-img and xz. */
  readonly confinement: Confinement;
  /** How large an unpacked file may get. */
  readonly growth: GrowthLimits;
  /** Undefined: there are none, and an image that is signed is refused. */
  readonly certificates: CertificateFolder | undefined;
}
