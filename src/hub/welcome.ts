import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Welcome } from '../rpc/generated/entrepot/v1/Welcome.ts';

/** What an agent is told when it attaches, and again when it changes. */
export function welcome(catalogue: Catalogue, heartbeatIntervalMs: number): Welcome {
  const revoked = catalogue.stores.all().filter((store) => store.revoked);
  return { heartbeatIntervalMs, revokedStoreIds: revoked.map((store) => store.id) };
}
