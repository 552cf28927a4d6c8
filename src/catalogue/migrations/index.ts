import { core } from './0001-core.ts';
import { trust } from './0002-trust.ts';
import { pacing } from './0003-pacing.ts';

/** In order; the number of those applied is the database's `user_version`. Never edit one that was released. */
export const MIGRATIONS: readonly string[] = [core, trust, pacing];
