import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Handlers } from '../rpc/handlers.ts';
import type { StoresService } from '../rpc/proto.ts';
import type { Attachments } from './attachments.ts';

/** proto/entrepot/v1/stores.proto. */
export function storesService(catalogue: Catalogue, attachments: Attachments): Handlers<StoresService> {
  return {
    List: async () => {
      const present = new Map(
        catalogue.copies
          .countByStoreAndState()
          .filter((row) => row.state === 'present')
          .map((row) => [row.storeId, row.count]),
      );
      const stores = catalogue.stores.all().map((store) => {
        const attachment = attachments.get(store.id);
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
          ...(space && { freeBytes: space.freeBytes, totalBytes: space.totalBytes }),
        };
      });
      return { stores };
    },
  };
}
