import { createHash } from 'node:crypto';
import { Catalogue } from '../../src/catalogue/catalogue.ts';
import type { ImageData } from '../../src/domain/image.ts';
import { type Manifest, ManifestBuilder } from '../../src/transfer/manifest.ts';
import type { SiteIdentity } from './identities.ts';
import { CENTRAL, type PopulatedImage, type Population, storeIdentity } from './population.ts';

/** Each transaction waits for the disk once. */
const IMAGES_AT_ONCE = 500;

/** One after the other, so that there is a newest one. */
const BETWEEN_IMAGES_MS = 1000;

/** Of each image: 256 MiB of data, 2 KiB of manifest. Manifests of larger images take more of the file. */
const DATA_CHUNKS = 64;

export interface FillRequest {
  /** The catalogue's file, made by `hub init`; no hub has it open. */
  readonly path: string;
  readonly population: Population;
  /** Their certificates are recorded, as the hub does when it issues one. */
  readonly identities: readonly SiteIdentity[];
  /** Who owns the images. */
  readonly owner: string;
}

/** Writes a population into a hub's catalogue, through the same moves that the hub makes, events included. */
export function fillCatalogue({ path, population, identities, owner }: FillRequest): void {
  const { images, storeIds } = population;
  let nowMs = Date.now() - images.length * BETWEEN_IMAGES_MS;
  using catalogue = Catalogue.open(path, () => nowMs);
  catalogue.transact(() => {
    for (const id of storeIds) {
      catalogue.stores.add(id, id === CENTRAL ? 'central' : 'edge');
      catalogue.stores.pin(id, storeIdentity(id));
    }
    for (const { storeId, fingerprint, expiresAtMs } of identities) {
      const subject = `store/${storeId}`;
      catalogue.credentials.add({ kind: 'certificate', subject, hash: fingerprint, expiresAtMs });
    }
  });
  for (let at = 0; at < images.length; at += IMAGES_AT_ONCE) {
    catalogue.transact(() => {
      for (const image of images.slice(at, at + IMAGES_AT_ONCE)) {
        nowMs += BETWEEN_IMAGES_MS;
        add(catalogue, image, owner);
      }
    });
  }
}

function add(catalogue: Catalogue, { id, name, sizeBytes, storeIds }: PopulatedImage, owner: string): void {
  const manifest = manifestOf(id, sizeBytes);
  catalogue.manifests.put(manifest.root, manifest.encode());
  const draft = {
    name,
    visibility: 'private',
    owner,
    protected: false,
    osHidden: false,
    diskFormat: 'raw',
    containerFormat: 'bare',
    minDiskGib: 0,
    minRamMib: 0,
    tags: ['bench'],
    properties: { hw_disk_bus: 'virtio', os_distro: 'debian' },
  } as const;
  catalogue.images.insert(id, draft, '');
  for (const status of ['uploading', 'importing'] as const) catalogue.images.setStatus(id, status, {});
  catalogue.images.setData(id, dataOf(manifest));
  for (const storeId of storeIds) {
    catalogue.copies.set(id, storeId, 'copying');
    catalogue.copies.set(id, storeId, 'present', { verifiedRoot: manifest.root });
  }
  catalogue.images.setStatus(id, 'active', {});
}

/** Of data that nobody has: only the digests are there, and they are those of no other image. */
function manifestOf(id: string, sizeBytes: number): Manifest {
  const builder = new ManifestBuilder(sizeBytes);
  for (let chunk = 0; chunk < DATA_CHUNKS; chunk++) {
    builder.add(chunk, createHash('sha256').update(`${id} ${chunk}`).digest());
  }
  return builder.build();
}

function dataOf({ sizeBytes, dataBytes, root }: Manifest): ImageData {
  return {
    sizeBytes,
    virtualSizeBytes: sizeBytes,
    dataBytes,
    checksum: createHash('md5').update(root).digest('hex'),
    osHashAlgo: 'sha512',
    osHashValue: createHash('sha512').update(root).digest('hex'),
    root,
  };
}
