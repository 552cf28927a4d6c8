import { core } from './0001-core.ts';
import { trust } from './0002-trust.ts';

/** In order; the number of those applied is the database's `user_version`. Never edit one that was released. */
export const MIGRATIONS: readonly string[] = [core, trust];
