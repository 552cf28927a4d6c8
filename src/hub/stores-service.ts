import type { Catalogue } from '../catalogue/catalogue.ts';
import { parseStoreId } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { requireStoreRemovable } from '../domain/rules/index.ts';
import { ROLES, type Role, type StoreRecord } from '../domain/store.ts';
import type { Queue } from '../queue/queue.ts';
import type { Rights } from '../rpc/caller.ts';
import type { Store as WireStore } from '../rpc/generated/entrepot/v1/Store.ts';
import type { Handlers } from '../rpc/handlers.ts';
import type { StoresService } from '../rpc/proto.ts';
import type { Attachments } from './attachments.ts';
import type { CutOff } from './cut-off.ts';
import type { Enrolment } from './enrolment.ts';
import type { Paces } from './paces.ts';
import { newestCertificate } from './standing.ts';

export const STORES_RIGHTS: Rights<StoresService> = {
  List: 'read',
  Add: 'administer',
  Revoke: 'administer',
  Remove: 'administer',
  Set: 'administer',
  Pause: 'administer',
  Resume: 'administer',
};

/** A token that lies about for longer is one that was forgotten. */
const TOKEN_LIFETIME_LIMIT_SECONDS = 30 * 86_400;

export interface StoresParts {
  readonly catalogue: Catalogue;
  readonly attachments: Attachments;
  readonly queue: Queue;
  readonly paces: Paces;
  readonly enrolment: Enrolment;
  readonly cutOff: CutOff;
  readonly tokenLifetimeMs: number;
  readonly now: () => number;
}

/** proto/entrepot/v1/stores.proto. */
export function storesService(parts: StoresParts): Handlers<StoresService> {
  const { catalogue, queue, paces, enrolment, cutOff, now } = parts;
  const one = (store: StoreRecord) => shown(parts, store, presentCopies(catalogue));
  return {
    List: async () => {
      const present = presentCopies(catalogue);
      return { stores: catalogue.stores.all().map((store) => shown(parts, store, present)) };
    },

    Add: async ({ id: given, role, tokenLifetimeSeconds }) => {
      const id = parseStoreId(given);
      const expiresAtMs = now() + lifetimeMs(tokenLifetimeSeconds, parts.tokenLifetimeMs);
      const token = catalogue.transact(() => {
        catalogue.stores.add(id, parseRole(role) ?? catalogue.stores.find(id)?.role ?? 'edge');
        const joinToken = enrolment.createJoinToken(id, expiresAtMs);
        // Nobody will join: the next certificate of the organisation is good.
        if (joinToken === undefined) catalogue.stores.admit(id);
        return joinToken;
      });
      if (token === undefined) cutOff.admitted(id);
      const store = one(catalogue.stores.get(id));
      return token === undefined
        ? { store, joinToken: '' }
        : { store, joinToken: token, tokenExpiresAtMs: expiresAtMs };
    },

    Revoke: async ({ id }) => {
      catalogue.transact(() => {
        catalogue.stores.revoke(id);
        catalogue.credentials.revokeAll(`store/${id}`);
        catalogue.joinTokens.voidOf(id);
      });
      cutOff.store(id, 'revoked');
      return one(catalogue.stores.get(id));
    },

    Remove: async ({ id, orphanCopies }) => {
      const { orphanedCopies, abandoned } = catalogue.transact(() => {
        requireStoreRemovable(catalogue.stores.get(id), catalogue.usesOf(id), orphanCopies);
        const tasks = queue.abandon(id);
        const copies = catalogue.copies.forget(id);
        catalogue.credentials.revokeAll(`store/${id}`);
        catalogue.joinTokens.voidOf(id);
        catalogue.stores.remove(id);
        return { orphanedCopies: copies, abandoned: tasks };
      });
      cutOff.store(id, 'removed');
      queue.abandoned(abandoned);
      // Its rate is forgotten with it.
      paces.changed();
      return { orphanedCopies };
    },

    Set: async ({ id, rate }) => one(paces.setStoreRate(id, rate)),
    Pause: async ({ id }) => one(paces.pauseStore(id)),
    Resume: async ({ id }) => one(paces.resumeStore(id)),
  };
}

function presentCopies(catalogue: Catalogue): ReadonlyMap<string, number> {
  const rows = catalogue.copies.countByStoreAndState();
  return new Map(rows.filter((row) => row.state === 'present').map((row) => [row.storeId, row.count]));
}

function shown(
  { catalogue, attachments }: StoresParts,
  store: StoreRecord,
  present: ReadonlyMap<string, number>,
): WireStore {
  // The stream of one that is revoked is being ended.
  const attachment = store.revoked ? undefined : attachments.get(store.id);
  const space = attachment?.space;
  return {
    id: store.id,
    role: store.role,
    driver: store.identity?.driver ?? '',
    fsid: store.identity?.fsid ?? '',
    pool: store.identity?.pool ?? '',
    online: attachment !== undefined,
    onlineSinceMs: attachment?.sinceMs ?? 0,
    lastSeenMs: attachment?.lastSeenMs ?? store.lastSeenMs ?? 0,
    presentCopies: present.get(store.id) ?? 0,
    agentVersion: attachment?.version ?? '',
    revoked: store.revoked,
    certificateExpiresAtMs: newestCertificate(catalogue, store.id)?.expiresAtMs ?? 0,
    rate: store.rate ?? '',
    paused: store.pausedAtMs !== undefined,
    ...(space && { freeBytes: space.freeBytes, totalBytes: space.totalBytes }),
  };
}

function parseRole(text: string): Role | undefined {
  if (text === '') return undefined;
  const role = ROLES.find((one) => one === text);
  if (role !== undefined) return role;
  throw new Refusal('INVALID', `role '${text}' is not known`, { hint: `one of ${ROLES.join(', ')}` });
}

function lifetimeMs(askedSeconds: number, otherwiseMs: number): number {
  if (askedSeconds === 0) return otherwiseMs;
  if (askedSeconds <= TOKEN_LIFETIME_LIMIT_SECONDS) return askedSeconds * 1000;
  throw new Refusal('INVALID', `a join token that is good for ${askedSeconds} s is not made`, {
    hint: `at most ${TOKEN_LIFETIME_LIMIT_SECONDS} s, which is 30 days`,
  });
}
