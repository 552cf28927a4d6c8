import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { shellWord } from '../../src/cli/shell-word.ts';
import type { DriverSettings } from '../../test/cloud/cloud.ts';
import { ENTREPOT } from '../../test/cloud/daemon-process.ts';
import { metric } from '../../test/cloud/records.ts';
import { total } from '../common/meter.ts';
import type { ClusterPlace, SiteCalls } from './site-calls.ts';
import { addressOf, CENTRAL, CENTRAL_ADDRESS, SITES, type SiteName, type Topology } from './topology.ts';

const HUB = `${CENTRAL_ADDRESS}:7440`;
/** Each site has a loopback of its own, so all may have the same ports on it. */
const HUB_HTTP_PORT = 7441;
const AGENT_HTTP_PORT = 7443;
const TRANSFER_PORT = 7442;
/** What the agents say of the image data that they gave to the network. */
const SENT_SERIES = 'entrepot_agent_bytes_total{kind="sent"}';

export interface CloudSettings {
  readonly topology: Topology;
  /** An empty one of its own; whoever gave it removes it. */
  readonly folder: string;
  readonly store: 'file' | 'rbd';
}

/**
 * A hub and an agent at central, an agent at each edge, and in front of each agent its store: set up over the links as
 * an operator does it. All goes with the topology.
 */
export class WanCloud {
  readonly folder: string;
  /** Of sites with a cluster. */
  readonly clusters: ReadonlyMap<SiteName, ClusterPlace>;
  readonly #topology: Topology;
  readonly #pids = new Map<string, number>();

  private constructor({ topology, folder }: CloudSettings, clusters: ReadonlyMap<SiteName, ClusterPlace>) {
    this.folder = folder;
    this.clusters = clusters;
    this.#topology = topology;
  }

  static async start(settings: CloudSettings): Promise<WanCloud> {
    const { topology, folder, store } = settings;
    const clusters = store === 'rbd' ? await startClusters(topology, folder) : new Map();
    const cloud = new WanCloud(settings, clusters);
    await cloud.#startHub();
    // Central first: an edge has nowhere to copy from without it.
    for (const site of SITES) await cloud.#startAgent(site);
    return cloud;
  }

  /** Runs `entrepot` at central, as its first operator; rejects when it fails. */
  async cli(...args: string[]): Promise<string> {
    return await this.#entrepot(CENTRAL, args);
  }

  /** The same with `-o json`, parsed. */
  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.cli(...args, '-o', 'json')) as T;
  }

  /** The hub and the agents of these sites, by what to call them. */
  processes(sites: readonly SiteName[]): Map<number, string> {
    const names = ['hub', ...sites.map(agentName)];
    return new Map(names.map((name) => [this.#pids.get(name) ?? 0, name]));
  }

  /** Image data that all agents together have given to the network so far. */
  async sentBytes(): Promise<number> {
    const texts = SITES.map((site) => this.#at(site).metricsOf(agentName(site)));
    return total((await Promise.all(texts)).map((text) => metric(text, SENT_SERIES)));
  }

  async #startHub(): Promise<void> {
    const config = join(this.folder, 'hub.yaml');
    const listen = { grpc: HUB, http: `127.0.0.1:${HUB_HTTP_PORT}` };
    await writeFile(
      config,
      stringify({ listen, catalogue: 'hub/catalogue.sqlite', heartbeat_interval_ms: 1000 }),
    );
    await this.#entrepot(CENTRAL, [
      'hub',
      'init',
      '--config',
      config,
      '--operator-credentials',
      this.#operator,
    ]);
    await this.#startDaemon(CENTRAL, 'hub', ['hub', '--config', config], HUB_HTTP_PORT);
  }

  async #startAgent(site: SiteName): Promise<void> {
    const config = join(this.folder, `agent-${site}.yaml`);
    const transfer = `${addressOf(site)}:${TRANSFER_PORT}`;
    await writeFile(
      config,
      stringify({
        store: site,
        hub: HUB,
        credentials: join(this.folder, 'credentials', site),
        driver: this.#driverOf(site),
        listen: { transfer, http: `127.0.0.1:${AGENT_HTTP_PORT}` },
      }),
    );
    const token = join(this.folder, `${site}.token`);
    const role = site === CENTRAL ? 'central' : 'edge';
    await this.cli('store', 'add', site, '--role', role, '--token-file', token);
    await this.#entrepot(site, ['agent', 'join', '--config', config, '--token-file', token]);
    await this.#startDaemon(site, agentName(site), ['agent', '--config', config], AGENT_HTTP_PORT);
  }

  async #startDaemon(site: SiteName, name: string, args: string[], httpPort: number): Promise<void> {
    const logPath = join(this.folder, `${name.replace(' ', '-')}.log`);
    const pid = await this.#at(site).startDaemon({ name, arguments: args, httpPort, logPath });
    this.#pids.set(name, pid);
  }

  #driverOf(site: SiteName): DriverSettings {
    const cluster = this.clusters.get(site);
    if (cluster === undefined) return { type: 'file', folder: join(this.folder, 'stores', site) };
    return { type: 'rbd', conf: cluster.confPath, client: 'images', pool: cluster.pool };
  }

  async #entrepot(site: SiteName, args: readonly string[]): Promise<string> {
    const settings = [`ENTREPOT_HUB=${HUB}`, `ENTREPOT_CREDENTIALS=${this.#operator}`].map(shellWord);
    const words = [process.execPath, ENTREPOT, ...args].map(shellWord);
    return await this.#at(site).run(['env', ...settings, ...words].join(' '));
  }

  get #operator(): string {
    return join(this.folder, 'operator');
  }

  #at(site: SiteName): SiteCalls {
    return this.#topology.sites[site].call;
  }
}

/** Where the cluster of a site is, below the cloud's folder. */
export function clusterFolder(folder: string, site: SiteName): string {
  return join(folder, 'ceph', site);
}

function agentName(site: SiteName): string {
  return `agent ${site}`;
}

/** One after the other: they look for what dead ones left behind, which two at a time would both remove. */
async function startClusters(
  { sites }: Topology,
  folder: string,
): Promise<ReadonlyMap<SiteName, ClusterPlace>> {
  const clusters = new Map<SiteName, ClusterPlace>();
  for (const name of SITES) {
    clusters.set(name, await sites[name].call.startCluster({ name, folder: clusterFolder(folder, name) }));
  }
  return clusters;
}
