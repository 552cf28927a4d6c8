import type { Pace } from './pace.ts';

export const ROLES = ['central', 'edge'] as const;
export type Role = (typeof ROLES)[number];

export const DRIVERS = ['rbd', 'file'] as const;
export type Driver = (typeof DRIVERS)[number];

/** What a store is, pinned at its first hello (R10). */
export interface StoreIdentity {
  readonly driver: Driver;
  readonly fsid: string;
  readonly pool: string;
}

/** A site's image pool, as the hub knows it. Its pace is that of its link. */
export interface StoreRecord extends Pace {
  readonly id: string;
  readonly role: Role;
  /** Undefined until its first hello. */
  readonly identity: StoreIdentity | undefined;
  readonly lastSeenMs: number | undefined;
  /** Its agent is cut off until it joins anew: nothing is sent there, and what it is to do waits. */
  readonly revoked: boolean;
}

/** Name of the snapshot every complete image has, protected, as Glance makes it. */
export const SNAPSHOT_NAME = 'snap';
