import { mkdir, readFile, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Verify } from '../../src/transfer/receiver.ts';
import { type CephCluster, startClusters } from '../../test/ceph/cluster/index.ts';
import { Cloud, type DriverSettings } from '../../test/cloud/cloud.ts';
import { createImage } from '../../test/cloud/records.ts';
import { writeImageFile } from '../common/image-file.ts';
import { type ImageName, type ImagePlan, planImage } from '../common/image-plan.ts';
import type { Place } from '../common/tools.ts';
import { withLibrbd } from './librbd.ts';
import type { LibrbdRequest } from './librbd-request.ts';

export const STORE_IDS = ['central', 'dcn0', 'dcn1'] as const;
export type StoreId = (typeof STORE_IDS)[number];

/** Of the data: as a file and at central, twice each for two images; at two edges; and as much again not freed yet. */
const DISK_FACTOR = 10;

export interface SitesOptions {
  /** An empty one of its own; whoever gave it removes it. */
  readonly folder: string;
  readonly sizeBytes: number;
  readonly images: readonly ImageName[];
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Three clusters, a hub and three agents on them, and the images at central. */
export class Sites implements AsyncDisposable {
  readonly clusters: ReadonlyMap<string, CephCluster>;
  readonly cloud: Cloud;
  readonly #options: SitesOptions;
  readonly #sourceIds = new Map<ImageName, string>();
  readonly #verify = new Map<StoreId, Verify>();
  readonly #stack: AsyncDisposableStack;

  private constructor(
    options: SitesOptions,
    clusters: ReadonlyMap<string, CephCluster>,
    cloud: Cloud,
    stack: AsyncDisposableStack,
  ) {
    this.clusters = clusters;
    this.cloud = cloud;
    this.#options = options;
    this.#stack = stack;
  }

  static async start(options: SitesOptions): Promise<Sites> {
    const { folder, images, signal, say } = options;
    await requireSpace(options);
    await using stack = new AsyncDisposableStack();
    say('starting three Ceph clusters');
    const started = await startClusters(STORE_IDS, join(folder, 'ceph'));
    for (const cluster of started) stack.use(cluster);
    signal.throwIfAborted();
    const clusters = new Map(started.map((cluster) => [cluster.name, cluster]));
    say('starting a hub and three agents');
    const cloud = stack.use(await Cloud.start({ storeIds: STORE_IDS, driver: driverOf(clusters) }));
    signal.throwIfAborted();
    const sites = new Sites(options, clusters, cloud, stack.move());
    try {
      await mkdir(join(folder, 'images'));
      for (const image of images) await sites.#bringIn(image);
      return sites;
    } catch (error) {
      await sites[Symbol.asyncDispose]();
      throw error;
    }
  }

  cluster(storeId: StoreId): CephCluster {
    const cluster = this.clusters.get(storeId);
    if (cluster === undefined) throw new Error(`no cluster for ${storeId}`);
    return cluster;
  }

  plan(image: ImageName): ImagePlan {
    return planImage(this.#options.sizeBytes, image);
  }

  /** Its UUID; at central it lies under it, with the snapshot `snap`. */
  sourceId(image: ImageName): string {
    const id = this.#sourceIds.get(image);
    if (id === undefined) throw new Error(`the ${image} image was not brought in`);
    return id;
  }

  place(storeId: StoreId, imageId: string): Place {
    const { confPath, pool } = this.cluster(storeId);
    return { confPath, pool, imageId };
  }

  request(
    work: LibrbdRequest['work'],
    storeId: StoreId,
    imageId: string,
    image: ImageName = 'first',
  ): LibrbdRequest {
    const { sizeBytes } = this.#options;
    return { ...this.place(storeId, imageId), work, sizeBytes, image, file: this.#file(image) };
  }

  /** Throws when a byte of the copy differs from the image; otherwise what the copy takes of the pool. */
  async compare(
    storeId: StoreId,
    imageId: string,
    signal: AbortSignal,
    image: ImageName = 'first',
  ): Promise<number> {
    const { differsAt, poolBytes = 0 } = await withLibrbd(
      this.request('compare', storeId, imageId, image),
      signal,
    );
    if (differsAt === undefined) return poolBytes;
    throw new Error(`the copy ${imageId} at ${storeId} differs from the image in the chunk at ${differsAt}`);
  }

  /** Has an agent verify its copies so. True when it was started anew for that, and is cold. */
  async setVerify(storeId: StoreId, verify: Verify): Promise<boolean> {
    if ((this.#verify.get(storeId) ?? 'read-back') === verify) return false;
    const path = this.cloud.agentConfigPath(storeId);
    const config = parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await writeFile(path, stringify({ ...config, transfer: { verify } }));
    const agent = this.cloud.agent(storeId);
    await agent.stop();
    await agent.start();
    this.#verify.set(storeId, verify);
    return true;
  }

  /** Removes an image that is not in the catalogue. */
  async remove(storeId: StoreId, imageId: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await withLibrbd(this.request('remove', storeId, imageId), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #bringIn(image: ImageName): Promise<void> {
    const { signal, say } = this.#options;
    const plan = this.plan(image);
    say(`making the ${image} image and bringing it to central: ${plan.dataBytes / 2 ** 20} MiB of data`);
    const file = this.#file(image);
    await writeImageFile(file, plan, signal);
    const id = await createImage(this.cloud, file);
    signal.throwIfAborted();
    await this.compare('central', id, signal, image);
    this.#sourceIds.set(image, id);
  }

  #file(image: ImageName): string {
    return join(this.#options.folder, 'images', `${image}.raw`);
  }
}

function driverOf(clusters: ReadonlyMap<string, CephCluster>): (storeId: string) => DriverSettings {
  return (storeId) => {
    const cluster = clusters.get(storeId);
    if (cluster === undefined) throw new Error(`no cluster for ${storeId}`);
    return { type: 'rbd', conf: cluster.confPath, client: 'images', pool: cluster.pool };
  };
}

async function requireSpace({ folder, sizeBytes }: SitesOptions): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const neededBytes = planImage(sizeBytes, 'first').dataBytes * DISK_FACTOR;
  if (bavail * bsize >= neededBytes) return;
  throw new Error(
    `${folder} has less than ${Math.ceil(neededBytes / 2 ** 30)} GiB free; TMPDIR names another place`,
  );
}
