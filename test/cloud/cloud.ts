import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { joinAgent } from '../../src/agent/join.ts';
import { loadHubConfig } from '../../src/config/hub-config.ts';
import { initHub } from '../../src/hub/init.ts';
import { callUnary } from '../../src/rpc/calls.ts';
import { controlChannel } from '../../src/rpc/channel.ts';
import { Stores } from '../../src/rpc/proto.ts';
import { type Credentials, loadCredentials } from '../../src/trust/credentials.ts';
import { HUB } from '../../src/trust/identity.ts';
import { DaemonProcess, ENTREPOT } from './daemon-process.ts';
import { freePorts } from './ports.ts';

/** What an agent's configuration says of its store. */
export type DriverSettings =
  | { readonly type: 'file'; readonly folder: string; readonly pool?: string; readonly quota_bytes?: number }
  | {
      readonly type: 'rbd';
      readonly conf: string;
      readonly client: string;
      readonly pool: string;
      readonly timeout_ms?: number;
    };

export interface CloudOptions {
  /** The driver of a store; files below the cloud's folder when left out. */
  readonly driver?: (storeId: string, folder: string) => DriverSettings;
  /** The first one is central. */
  readonly storeIds?: readonly string[];
  /** Merged into the hub's configuration. */
  readonly hub?: Readonly<Record<string, unknown>>;
  /** Merged into the configuration of each agent, or of the agent of a store. */
  readonly agent?:
    | Readonly<Record<string, unknown>>
    | ((storeId: string) => Readonly<Record<string, unknown>>);
}

export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/**
 * A hub and an agent per store, as processes of their own on the loopback, in a folder of their own. Set
 * up as an operator does it: `hub init`, then a join token for each store's agent.
 */
export class Cloud implements AsyncDisposable {
  readonly folder: string;
  readonly storeIds: readonly string[];
  readonly hubPort: number;
  readonly hub: DaemonProcess;
  readonly agents: ReadonlyMap<string, DaemonProcess>;

  private constructor(folder: string, ports: readonly number[], options: CloudOptions) {
    this.folder = folder;
    this.storeIds = options.storeIds ?? ['central', 'dcn0', 'dcn1'];
    const [grpc = 0, http = 0, ...rest] = ports;
    this.hubPort = grpc;
    writeFileSync(
      this.hubConfigPath,
      stringify({
        listen: { grpc: `127.0.0.1:${grpc}`, http: `127.0.0.1:${http}` },
        catalogue: 'hub/catalogue.sqlite',
        heartbeat_interval_ms: 1000,
        ...options.hub,
      }),
    );
    this.hub = daemon(folder, 'hub', ['hub', '--config', this.hubConfigPath], http);
    this.agents = new Map(
      this.storeIds.map((id, index) => {
        const [transferPort = 0, httpPort = 0] = rest.slice(index * 2, index * 2 + 2);
        const path = this.agentConfigPath(id);
        const config = {
          store: id,
          hub: `127.0.0.1:${grpc}`,
          credentials: this.credentialsOf(id),
          driver: options.driver?.(id, folder) ?? { type: 'file', folder: join(folder, id) },
          listen: { transfer: `127.0.0.1:${transferPort}`, http: `127.0.0.1:${httpPort}` },
          ...(typeof options.agent === 'function' ? options.agent(id) : options.agent),
        };
        writeFileSync(path, stringify(config));
        return [id, daemon(folder, `agent-${id}`, ['agent', '--config', path], httpPort)];
      }),
    );
  }

  /** Configured and enrolled; nothing runs. */
  static async create(options: CloudOptions = {}): Promise<Cloud> {
    const cloud = await Cloud.#enrolled(options);
    await cloud.hub.stop();
    return cloud;
  }

  /** All daemons, ready. */
  static async start(options: CloudOptions = {}): Promise<Cloud> {
    const cloud = await Cloud.#enrolled(options);
    try {
      await cloud.startAll();
      return cloud;
    } catch (error) {
      await cloud[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** With a hub that runs. */
  static async #enrolled(options: CloudOptions): Promise<Cloud> {
    const folder = mkdtempSync(join(tmpdir(), 'entrepot-cloud-'));
    const ports = await freePorts(2 + 2 * (options.storeIds?.length ?? 3));
    const cloud = new Cloud(folder, ports, options);
    try {
      await initHub({
        config: await loadHubConfig(cloud.hubConfigPath),
        operatorName: 'admin',
        operatorFolder: cloud.operatorFolder,
      });
      await cloud.hub.start();
      // Central first: an edge has nowhere to copy from without it.
      for (const [index, id] of cloud.storeIds.entries()) {
        await cloud.join(id, await cloud.addStore(id, index === 0 ? 'central' : 'edge'));
      }
      return cloud;
    } catch (error) {
      await cloud[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts what does not run, and waits until all is ready. */
  async startAll(): Promise<void> {
    const all = [this.hub, ...this.agents.values()];
    for (const one of all) if (!one.isRunning) one.spawn();
    await Promise.all(all.map((one) => one.ready()));
  }

  /** `entrepot store add`, without a process for it: the join token. */
  async addStore(storeId: string, role: 'central' | 'edge' = 'edge'): Promise<string> {
    await using channel = controlChannel({
      address: this.hubAddress,
      peer: 'the hub',
      credentials: await this.operator(),
      expect: HUB,
    });
    return (await callUnary(channel, Stores.Add, { id: storeId, role })).joinToken;
  }

  /** `entrepot agent join`, without a process for it. */
  async join(storeId: string, token: string): Promise<void> {
    await joinAgent({ hub: this.hubAddress, token, folder: this.credentialsOf(storeId) });
  }

  /** Credentials of the first operator, an admin. */
  async operator(): Promise<Credentials> {
    return await loadCredentials(this.operatorFolder);
  }

  get operatorFolder(): string {
    return join(this.folder, 'operator');
  }

  /** The credentials folder of the hub or of a store's agent. */
  credentialsOf(name: string): string {
    return name === 'hub' ? join(this.folder, 'hub', 'credentials') : join(this.folder, 'credentials', name);
  }

  get hubConfigPath(): string {
    return join(this.folder, 'hub.yaml');
  }

  agentConfigPath(storeId: string): string {
    return join(this.folder, `agent-${storeId}.yaml`);
  }

  agent(storeId: string): DaemonProcess {
    const agent = this.agents.get(storeId);
    if (agent === undefined) throw new Error(`no agent of ${storeId}`);
    return agent;
  }

  get hubAddress(): string {
    return `127.0.0.1:${this.hubPort}`;
  }

  /** Runs `entrepot` against this hub, as the first operator. Does not throw on an exit code. */
  async cli(...args: string[]): Promise<CliResult> {
    return await this.cliAs(this.operatorFolder, ...args);
  }

  /** Runs `entrepot` against this hub, with the credentials of a folder. */
  async cliAs(credentials: string, ...args: string[]): Promise<CliResult> {
    const result = await execa(process.execPath, [ENTREPOT, ...args], {
      reject: false,
      stdin: 'ignore',
      env: { ENTREPOT_HUB: this.hubAddress, ENTREPOT_CREDENTIALS: credentials },
    });
    return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode ?? -1 };
  }

  /** As `cli` with `-o json`, parsed; throws when the command fails. */
  async json<T>(...args: string[]): Promise<T> {
    const { stdout, stderr, exitCode } = await this.cli(...args, '-o', 'json');
    if (exitCode !== 0) throw new Error(`entrepot ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** What every daemon has logged. */
  logs(): string {
    return [this.hub, ...this.agents.values()].map((one) => one.log()).join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.agents.values(), this.hub];
    await Promise.all(all.map((one) => one.kill('SIGKILL')));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function daemon(folder: string, name: string, args: readonly string[], httpPort: number): DaemonProcess {
  mkdirSync(join(folder, 'log'), { recursive: true });
  return new DaemonProcess({ name, arguments: args, httpPort, logPath: join(folder, 'log', `${name}.log`) });
}
