import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type CephCluster, startClusters } from '../../ceph/cluster/index.ts';
import { Cloud, type CloudOptions } from '../../cloud/cloud.ts';

export const STORE_IDS = ['central', 'dcn0', 'dcn1'] as const;

export interface CephCloudOptions extends Omit<CloudOptions, 'driver'> {
  /** After which a store that does not answer is told to be away. */
  readonly timeoutMs?: number;
  /** Size of each cluster's disk. */
  readonly blockBytes?: number;
}

/** Three real clusters, and a hub and three agents that use them as `client.images`. */
export class CephCloud implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly clusters: ReadonlyMap<string, CephCluster>;
  readonly #folder: string;

  private constructor(cloud: Cloud, clusters: ReadonlyMap<string, CephCluster>, folder: string) {
    this.cloud = cloud;
    this.clusters = clusters;
    this.#folder = folder;
  }

  static async start(options: CephCloudOptions = {}): Promise<CephCloud> {
    const folder = await mkdtemp(join(tmpdir(), 'entrepot-e2e-'));
    const { timeoutMs = 5000, blockBytes, ...rest } = options;
    const started = await startClusters(STORE_IDS, folder, blockBytes === undefined ? {} : { blockBytes });
    const clusters = new Map(started.map((one) => [one.name, one]));
    const driver = (storeId: string) => {
      const { confPath, pool } = clusters.get(storeId) as CephCluster;
      return { type: 'rbd', conf: confPath, client: 'images', pool, timeout_ms: timeoutMs } as const;
    };
    const cloud = await Cloud.start({ storeIds: STORE_IDS, ...rest, driver });
    return new CephCloud(cloud, clusters, folder);
  }

  cluster(storeId: string): CephCluster {
    const cluster = this.clusters.get(storeId);
    if (cluster === undefined) throw new Error(`no cluster ${storeId}`);
    return cluster;
  }

  /** Names of the images in a store's pool, as Ceph's own tool lists them. */
  async pool(storeId: string): Promise<string[]> {
    const { pool } = this.cluster(storeId);
    const out = await this.cluster(storeId).rbd(['ls', pool]);
    return out.split('\n').filter((name) => name !== '');
  }

  /** SHA-256 of what Ceph's own tool reads from the protected snapshot. */
  async sha256(storeId: string, imageId: string): Promise<string> {
    const path = join(this.#folder, `export-${storeId}`);
    await this.cluster(storeId).rbd(['export', '--no-progress', `images/${imageId}@snap`, path]);
    try {
      return await sha256OfFile(path);
    } finally {
      await rm(path, { force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cloud[Symbol.asyncDispose]();
    await Promise.all([...this.clusters.values()].map((cluster) => cluster[Symbol.asyncDispose]()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}
