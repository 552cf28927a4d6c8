import { DIGEST_BYTES, type Manifest } from '../transfer/manifest.ts';

/**
 * Manifests by root, the least recently used dropped first, bounded in bytes. A copy that is
 * tried again, or the next image with the same content, asks the hub once.
 */
export class ManifestCache {
  readonly #maxBytes: number;
  /** In order of use, the oldest first. */
  readonly #manifests = new Map<string, Manifest>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(root: string): Manifest | undefined {
    const manifest = this.#manifests.get(root);
    if (manifest) {
      this.#manifests.delete(root);
      this.#manifests.set(root, manifest);
    }
    return manifest;
  }

  /** Keeps it, unless it alone is larger than the bound. */
  put(manifest: Manifest): void {
    this.#drop(manifest.root);
    if (sizeOf(manifest) > this.#maxBytes) return;
    this.#manifests.set(manifest.root, manifest);
    this.#bytes += sizeOf(manifest);
    for (const oldest of this.#manifests.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
  }

  #drop(root: string): void {
    const manifest = this.#manifests.get(root);
    if (!manifest) return;
    this.#manifests.delete(root);
    this.#bytes -= sizeOf(manifest);
  }
}

/** About: its runs add a little. */
function sizeOf(manifest: Manifest): number {
  return manifest.dataChunkCount * DIGEST_BYTES;
}
