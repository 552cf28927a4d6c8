import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type CephCluster, startClusters } from '../../ceph/cluster/index.ts';
import type { DriverSettings } from '../../cloud/cloud.ts';

export const STORE_IDS = ['central', 'dcn0', 'dcn1'] as const;

export interface CephSitesOptions {
  /** After which a store that does not answer is told to be away. */
  readonly timeoutMs?: number | undefined;
  /** Size of each cluster's disk. */
  readonly blockBytes?: number | undefined;
}

/** Three real clusters, looked at as their owner does, with Ceph's own tools. */
export class CephSites implements AsyncDisposable {
  readonly #clusters: ReadonlyMap<string, CephCluster>;
  readonly #folder: string;
  readonly #timeoutMs: number;

  private constructor(clusters: ReadonlyMap<string, CephCluster>, folder: string, timeoutMs: number) {
    this.#clusters = clusters;
    this.#folder = folder;
    this.#timeoutMs = timeoutMs;
  }

  static async start({ timeoutMs = 5000, blockBytes }: CephSitesOptions = {}): Promise<CephSites> {
    const folder = await mkdtemp(join(tmpdir(), 'entrepot-e2e-'));
    const started = await startClusters(STORE_IDS, folder, blockBytes === undefined ? {} : { blockBytes });
    return new CephSites(new Map(started.map((one) => [one.name, one])), folder, timeoutMs);
  }

  /** How an agent comes to its cluster: as `client.images`. */
  readonly driver = (storeId: string): DriverSettings => {
    const { confPath, pool } = this.cluster(storeId);
    return { type: 'rbd', conf: confPath, client: 'images', pool, timeout_ms: this.#timeoutMs };
  };

  cluster(storeId: string): CephCluster {
    const cluster = this.#clusters.get(storeId);
    if (cluster === undefined) throw new Error(`no cluster ${storeId}`);
    return cluster;
  }

  /** Names of the images in a store's pool. */
  async pool(storeId: string): Promise<string[]> {
    const { pool } = this.cluster(storeId);
    const out = await this.cluster(storeId).rbd(['ls', pool]);
    return out.split('\n').filter((name) => name !== '');
  }

  /** SHA-256 of what is read from the protected snapshot. */
  async sha256(storeId: string, imageId: string): Promise<string> {
    const path = join(this.#folder, `export-${storeId}-${imageId}`);
    await this.cluster(storeId).rbd(['export', '--no-progress', `images/${imageId}@snap`, path]);
    try {
      return await sha256OfFile(path);
    } finally {
      await rm(path, { force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#clusters.values()].map((cluster) => cluster[Symbol.asyncDispose]()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}
