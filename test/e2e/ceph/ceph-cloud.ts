import type { CephCluster } from '../../ceph/cluster/index.ts';
import { Cloud, type CloudOptions } from '../../cloud/cloud.ts';
import { CephSites, type CephSitesOptions, STORE_IDS } from './ceph-sites.ts';

export { STORE_IDS, sha256OfFile } from './ceph-sites.ts';

export interface CephCloudOptions extends Omit<CloudOptions, 'driver'>, CephSitesOptions {}

/** Three real clusters, and a hub and three agents that use them as `client.images`. */
export class CephCloud implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly #sites: CephSites;

  private constructor(cloud: Cloud, sites: CephSites) {
    this.cloud = cloud;
    this.#sites = sites;
  }

  static async start({ timeoutMs, blockBytes, ...rest }: CephCloudOptions = {}): Promise<CephCloud> {
    const sites = await CephSites.start({ timeoutMs, blockBytes });
    const cloud = await Cloud.start({ storeIds: STORE_IDS, ...rest, driver: sites.driver });
    return new CephCloud(cloud, sites);
  }

  cluster(storeId: string): CephCluster {
    return this.#sites.cluster(storeId);
  }

  /** As `CephSites.pool`. */
  async pool(storeId: string): Promise<string[]> {
    return await this.#sites.pool(storeId);
  }

  /** As `CephSites.sha256`. */
  async sha256(storeId: string, imageId: string): Promise<string> {
    return await this.#sites.sha256(storeId, imageId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cloud[Symbol.asyncDispose]();
    await this.#sites[Symbol.asyncDispose]();
  }
}
