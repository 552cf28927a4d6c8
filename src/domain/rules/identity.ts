import { parseUuid } from '../ids.ts';
import type { Image } from '../image.ts';
import { Refusal } from '../refusal.ts';
import type { StoreIdentity, StoreRecord } from '../store.ts';
import type { Actor } from './rights.ts';

/** R1: the caller's UUID when it is valid and was never used, else a fresh one. */
export function chooseImageId(
  requested: string | undefined,
  isTaken: (id: string) => boolean,
  mint: () => string,
): string {
  if (requested === undefined || requested === '') return mint();
  const id = parseUuid(requested);
  if (isTaken(id)) {
    throw new Refusal('ALREADY_EXISTS', `image id ${id} is in use, or was once`, {
      rule: 'R1',
      hint: 'leave the id out to get a fresh one',
    });
  }
  return id;
}

/** R11: the owner or an admin; readers change nothing. */
export function requireOwner(
  actor: Actor,
  image: Pick<Image, 'id' | 'owner'>,
  verb: 'change' | 'copy' | 'delete' | 'share',
): void {
  if (actor.role === 'admin') return;
  if (actor.role === 'member' && actor.name === image.owner) return;
  throw new Refusal(
    'FORBIDDEN',
    `${actor.name} may not ${verb} image ${image.id}: it belongs to ${image.owner}`,
    {
      rule: 'R11',
      hint: 'only its owner or an admin may',
    },
  );
}

/**
 * R10: the driver is the same at every store, and what a store is does not change after
 * its first hello. Returns the identity to pin, or undefined when it is pinned already.
 */
export function acceptIdentity(
  store: StoreRecord,
  said: StoreIdentity,
  stores: readonly StoreRecord[],
): StoreIdentity | undefined {
  if (said.fsid === '' || said.pool === '') {
    throw new Refusal('INVALID', `store ${store.id} did not name its cluster and pool`, { rule: 'R10' });
  }
  const pinned = store.identity;
  if (pinned !== undefined) {
    for (const key of ['driver', 'fsid', 'pool'] as const) {
      if (pinned[key] === said[key]) continue;
      throw new Refusal(
        'CONFLICT',
        `store ${store.id} is pinned to ${key} ${pinned[key]}, and its agent now has ${key} ${said[key]}`,
        {
          rule: 'R10',
          hint: 'point the agent at the cluster and pool it had, or give the new pool another store id',
        },
      );
    }
    return undefined;
  }
  const other = stores.find((one) => one.identity !== undefined && one.identity.driver !== said.driver);
  if (other?.identity !== undefined) {
    throw new Refusal(
      'CONFLICT',
      `store ${store.id} has driver ${said.driver}, but ${other.id} has ${other.identity.driver}: all stores use one driver`,
      { rule: 'R10', hint: `set driver.type to ${other.identity.driver} in the agent's configuration` },
    );
  }
  const twin = stores.find(
    (one) => one.id !== store.id && one.identity?.fsid === said.fsid && one.identity.pool === said.pool,
  );
  if (twin !== undefined) {
    throw new Refusal('CONFLICT', `store ${twin.id} is already pool ${said.pool} of cluster ${said.fsid}`, {
      rule: 'R10',
      hint: `two stores cannot share a pool: give ${store.id} a pool of its own`,
    });
  }
  return said;
}
