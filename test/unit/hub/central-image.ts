import type { Attachments } from '../../../src/hub/attachments.ts';
import type { HubMessage } from '../../../src/rpc/generated/entrepot/v1/HubMessage.ts';
import type { Manifest } from '../../../src/transfer/manifest.ts';
import { DRAFT, type Scratch, uuid } from '../catalogue/scratch.ts';
import { manifestOf } from './test-hub.ts';

/** An active image, of one data chunk unless a test has another manifest. */
export const IMAGE = uuid(1);

/** Puts the image into the catalogue, with a copy at central. */
export function putImage(scratch: Scratch, manifest: Manifest = manifestOf('an image')): void {
  const { catalogue } = scratch;
  const { sizeBytes, dataBytes } = manifest;
  catalogue.transact(() => {
    scratch.withStores();
    catalogue.images.insert(IMAGE, DRAFT, 'r');
    catalogue.images.setStatus(IMAGE, 'importing', {});
    catalogue.manifests.put(manifest.root, manifest.encode());
    catalogue.images.setData(IMAGE, {
      sizeBytes,
      virtualSizeBytes: sizeBytes,
      dataBytes,
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
