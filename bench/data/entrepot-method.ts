import { randomUUID } from 'node:crypto';
import { hasEnded } from '../../src/cli/follow.ts';
import { HubConnection } from '../../src/cli/hub-connection.ts';
import type { Job } from '../../src/cli/wire.ts';
import type { Verify } from '../../src/transfer/receiver.ts';
import { loadOperatorCredentials } from '../../src/trust/credentials.ts';
import { metric } from '../../test/cloud/records.ts';
import type { ImageName } from '../common/image-plan.ts';
import { total } from '../common/meter.ts';
import type { Method, Trial } from './method.ts';
import { type Sites, STORE_IDS, type StoreId } from './sites.ts';

const CALL_TIMEOUT_MS = 30_000;
/** What the agents say of the image data that they gave to the network. */
const WIRE_SERIES = 'entrepot_agent_bytes_total{kind="sent"}';

export interface EntrepotOptions {
  readonly name: string;
  readonly title: string;
  readonly storeIds: readonly StoreId[];
  /** Which image to copy; the first. */
  readonly image?: ImageName;
  /** An image that is at the stores before; none. */
  readonly given?: ImageName;
  /** How the agents of the stores verify what they get; default read-back. */
  readonly verify?: Verify;
}

/** The product: a job of the hub, from its creation to its success. */
export function entrepotMethod(sites: Sites, options: EntrepotOptions): Method {
  const { name, title, storeIds } = options;
  return {
    name,
    title,
    copies: storeIds.length,
    prepare: async (signal) => {
      const trial = new EntrepotTrial(sites, options, await connect(sites), signal);
      await trial.prepare();
      return trial;
    },
  };
}

async function connect({ cloud }: Sites): Promise<HubConnection> {
  return new HubConnection({
    address: cloud.hubAddress,
    credentials: await loadOperatorCredentials(cloud.operatorFolder),
    requestId: randomUUID(),
    timeoutMs: CALL_TIMEOUT_MS,
  });
}

class EntrepotTrial implements Trial {
  readonly #sites: Sites;
  readonly #options: EntrepotOptions;
  readonly #hub: HubConnection;
  readonly #signal: AbortSignal;
  #sentBefore = 0;

  constructor(sites: Sites, options: EntrepotOptions, hub: HubConnection, signal: AbortSignal) {
    this.#sites = sites;
    this.#options = options;
    this.#hub = hub;
    this.#signal = signal;
  }

  /** A question comes first anyway, so that no run pays for the connection of the one who asks. */
  async prepare(): Promise<void> {
    await this.#setVerify();
    await this.#hub.getImage(this.#sites.sourceId(this.#image));
    if (this.#options.given !== undefined) await this.#copy(this.#options.given);
    this.#sentBefore = await this.#sentBytes();
  }

  clients(): ReadonlyMap<number, string> {
    const { cloud } = this.#sites;
    const agents = ['central', ...this.#options.storeIds].map(
      (id) => [cloud.agent(id).pid, `agent ${id}`] as const,
    );
    return new Map([...agents, [cloud.hub.pid, 'hub']]);
  }

  /** By the hub's clock, since a watcher is told up to a quarter of a second late. */
  async run(): Promise<number> {
    const { createdAtMs, endedAtMs } = await this.#copy(this.#image);
    return (endedAtMs - createdAtMs) / 1000;
  }

  async check(): Promise<{ wireBytes: number; poolBytes: number[] }> {
    const wireBytes = (await this.#sentBytes()) - this.#sentBefore;
    const poolBytes: number[] = [];
    for (const storeId of this.#options.storeIds) {
      const id = this.#sites.sourceId(this.#image);
      poolBytes.push(await this.#sites.compare(storeId, id, this.#signal, this.#image));
    }
    return { wireBytes, poolBytes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      // What an interrupted bench leaves goes with the clusters.
      if (!this.#signal.aborted) await this.#removeCopies();
    } finally {
      await this.#hub[Symbol.asyncDispose]();
    }
  }

  /** An agent that is started anew makes a copy first, which warms it up as the others are. */
  async #setVerify(): Promise<void> {
    const { storeIds, verify = 'read-back' } = this.#options;
    let isCold = false;
    for (const storeId of storeIds) isCold = (await this.#sites.setVerify(storeId, verify)) || isCold;
    if (!isCold) return;
    await this.#copy(this.#image);
    await this.#removeCopies();
  }

  get #image(): ImageName {
    return this.#options.image ?? 'first';
  }

  async #removeCopies(): Promise<void> {
    const { given, storeIds } = this.#options;
    for (const image of given === undefined ? [this.#image] : [this.#image, given]) {
      const id = this.#sites.sourceId(image);
      const { copies } = await this.#hub.getImage(id);
      for (const storeId of storeIds) {
        if (!copies.some((copy) => copy.storeId === storeId && copy.state === 'present')) continue;
        await this.#succeeded(await this.#hub.deleteCopy(id, storeId));
      }
    }
  }

  async #copy(image: ImageName): Promise<Job> {
    const { job } = await this.#hub.copyImage({
      imageId: this.#sites.sourceId(image),
      storeIds: [...this.#options.storeIds],
      allStores: false,
      allStoresMustSucceed: false,
    });
    if (job === null) throw new Error(`the hub found nothing to copy of the ${image} image`);
    return await this.#succeeded(job);
  }

  async #succeeded(job: Job): Promise<Job> {
    let last = job;
    if (!hasEnded(last)) for await (last of this.#hub.watchJob(job.id, this.#signal));
    if (last.state === 'succeeded') return last;
    const reasons = [last.reason, ...last.tasks.map(({ reason }) => reason)].filter(
      (reason) => reason !== '',
    );
    throw new Error(`the ${last.kind} job ended as ${last.state}: ${reasons.join('; ')}`);
  }

  async #sentBytes(): Promise<number> {
    const scrapes = STORE_IDS.map((id) => this.#sites.cloud.agent(id).metrics());
    return total((await Promise.all(scrapes)).map((text) => metric(text, WIRE_SERIES)));
  }
}
