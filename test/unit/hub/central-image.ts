import type { Attachments } from '../../../src/hub/attachments.ts';
import type { HubMessage } from '../../../src/rpc/generated/entrepot/v1/HubMessage.ts';
import { DRAFT, type Scratch, uuid } from '../catalogue/scratch.ts';
import { MIB, manifestOf } from './test-hub.ts';

/** An active image of one data chunk. */
export const IMAGE = uuid(1);

/** Puts the image into the catalogue, with a copy at central. */
export function putImage(scratch: Scratch): void {
  const { catalogue } = scratch;
  const manifest = manifestOf('an image');
  catalogue.transact(() => {
    scratch.withStores();
    catalogue.images.insert(IMAGE, DRAFT, 'r');
    catalogue.images.setStatus(IMAGE, 'importing', {});
    catalogue.manifests.put(manifest.root, manifest.encode());
    catalogue.images.setData(IMAGE, {
      sizeBytes: MIB,
      virtualSizeBytes: MIB,
      dataBytes: MIB,
      checksum: '',
      osHashAlgo: 'sha512',
      osHashValue: '',
      root: manifest.root,
    });
    catalogue.images.setStatus(IMAGE, 'active', {});
    scratch.present(IMAGE, 'central');
  });
}

/** An agent that is attached; what it was told. */
export function attach(attachments: Attachments, storeId: string, transferAddress = ''): HubMessage[] {
  const told: HubMessage[] = [];
  attachments.add({
    storeId,
    transferAddress,
    version: '1',
    sinceMs: 0,
    lastSeenMs: 0,
    space: undefined,
    tell: (message) => void told.push(message),
    replace: () => undefined,
  });
  return told;
}
