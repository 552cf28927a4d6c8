import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { Agent } from '../../../src/agent/agent.ts';
import { saveCredentials } from '../../../src/agent/enrolment.ts';
import { OwnCredentials } from '../../../src/agent/own-credentials.ts';
import type { AgentParts, AgentSettings } from '../../../src/agent/settings.ts';
import { FileStore } from '../../../src/store/file/file-store.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import type { Credentials } from '../../../src/trust/credentials.ts';
import { makeSecretFolder } from '../../../src/trust/files.ts';
import { TestAuthority } from '../../trust/test-authority.ts';
import type { LogLine } from '../rpc/harness.ts';
import { StoreFolder } from '../store/file-folder.ts';
import { type ChunkSketch, draw, manifestOf, uploadOf } from '../transfer/samples.ts';
import { WatchedStore } from '../transfer/watched-store.ts';
import { importsIn } from './imports-in.ts';
import { ScriptedHub, type Session } from './scripted-hub.ts';

export const JOB_ID = '0d6b3c53-7a0e-4f0e-8f5a-2f6a2a1f4e01';

/** An agent over a file store, with what it logs and counts. Its store can be held up and made to fail. */
export class AgentBench implements AsyncDisposable {
  readonly lines: LogLine[] = [];
  readonly registry = new Registry();
  readonly store: WatchedStore;
  readonly agent: Agent;
  readonly #stop = new AbortController();
  #stopped: Promise<void> | undefined;

  constructor(
    folder: string,
    hub: { readonly address: string },
    credentials: OwnCredentials,
    settings: Partial<AgentSettings> = {},
    { pool = 'images', ...parts }: Partial<AgentParts> & { readonly pool?: string } = {},
  ) {
    this.store = new WatchedStore(new FileStore({ folder, pool }));
    const target = { write: (line: string) => void this.lines.push(JSON.parse(line)) };
    const storeId = settings.storeId ?? 'central';
    this.agent = new Agent(
      {
        storeId,
        version: '0.0.0',
        hubAddress: hub.address,
        transfer: { host: '127.0.0.1', port: 0 },
        // Not by the distance, which on a busy machine may turn out to be anything.
        connections: 1,
        ...settings,
      },
      {
        store: this.store,
        credentials,
        loggers: createLoggers({ component: 'agent', level: 'info', storeId, target }),
        registry: this.registry,
        imports: importsIn(folder),
        redial: { minMs: 5, maxMs: 50 },
        ...parts,
      },
    );
  }

  async start(): Promise<this> {
    await this.agent.start(this.#stop.signal);
    return this;
  }

  async metric(name: string): Promise<number> {
    const text = await this.registry.metrics();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped ??= this.agent[Symbol.asyncDispose]();
    await this.#stopped;
  }
}

/** A hub, folders for stores, and agents: everything ends and is removed with it. */
export class World implements AsyncDisposable {
  hub!: ScriptedHub;
  authority!: TestAuthority;
  readonly #ending = new AsyncDisposableStack();
  readonly #folders = new Map<string, StoreFolder>();
  readonly #enrolled = new Set<string>();

  static async make(): Promise<World> {
    const world = new World();
    world.authority = await TestAuthority.create();
    world.hub = await ScriptedHub.start(world.authority);
    world.#ending.defer(() => world.hub[Symbol.asyncDispose]());
    return world;
  }

  /** The agent of a store, attached. The same store again: the same folder. */
  async agent(
    storeId: string,
    settings: Partial<AgentSettings> = {},
    parts: Partial<AgentParts> = {},
  ): Promise<AgentBench> {
    const bench = await this.startAgent(storeId, settings, parts);
    await bench.agent.readiness.firstReady;
    return bench;
  }

  async startAgent(
    storeId: string,
    settings: Partial<AgentSettings> = {},
    parts: Partial<AgentParts> = {},
  ): Promise<AgentBench> {
    const { path } = await this.folder(storeId);
    const credentials = await OwnCredentials.load(await this.credentials(storeId), storeId);
    const bench = new AgentBench(path, this.hub, credentials, { storeId, ...settings }, parts);
    this.#ending.use(bench);
    return await bench.start();
  }

  /** The credentials folder of a store's agent, filled when it is not there yet. */
  async credentials(storeId: string, given?: Credentials): Promise<string> {
    const folder = join((await this.folder(`${storeId} credentials`)).path, 'credentials');
    if (given === undefined && this.#enrolled.has(storeId)) return folder;
    this.#enrolled.add(storeId);
    await makeSecretFolder(folder);
    const issued = given ?? (await this.authority.credentials({ kind: 'store', storeId }));
    await saveCredentials(folder, issued);
    return folder;
  }

  /** An order to copy, with its ticket when the source is to be dialled. */
  copyMessage({ taskId, attempt, imageId, bytes, from, to = 'dcn0', ticket }: CopyOrder) {
    const pull = () =>
      this.hub.ticket({
        taskId,
        attempt,
        jobId: JOB_ID,
        imageId,
        action: 'pull',
        holder: { kind: 'store', storeId: to },
        atStoreId: 'central',
      });
    const copy = {
      sizeBytes: bytes.length,
      root: manifestOf(bytes).root,
      sourceStoreId: 'central',
      sourceAddress: from,
      recordJson: '{"name":"sample"}',
      ticket: ticket ?? (from === '' ? '' : pull()),
    };
    return { assign: { taskId, attempt, jobId: JOB_ID, imageId, requestId: 'request-2', copy } };
  }

  /** An order to dcn0 to deliver to central, with its ticket. */
  serveMessage({ taskId, attempt, imageId, receiver, requestId = 'request-2', ticket }: ServeOrder) {
    const push = () =>
      this.hub.ticket({
        taskId,
        attempt,
        jobId: JOB_ID,
        imageId,
        action: 'push',
        holder: { kind: 'store', storeId: 'dcn0' },
        atStoreId: 'central',
      });
    const { transferAddress: receiverAddress } = receiver.agent;
    const serve = { taskId, attempt, jobId: JOB_ID, imageId, receiverAddress, requestId };
    return { serve: { ...serve, receiverStoreId: 'central', ticket: ticket ?? push() } };
  }

  async folder(storeId: string): Promise<StoreFolder> {
    let folder = this.#folders.get(storeId);
    if (!folder) {
      folder = await StoreFolder.make();
      this.#folders.set(storeId, folder);
      this.#ending.use(folder);
    }
    return folder;
  }

  /** A new hub at the port of the old one. */
  async replaceHub(): Promise<void> {
    const { port } = this.hub;
    await this.hub[Symbol.asyncDispose]();
    const { manifests } = this.hub;
    this.hub = await ScriptedHub.start(this.authority, port);
    for (const [root, body] of manifests) this.hub.manifests.set(root, body);
  }

  /** Has an image taken in at a store; returns its root. */
  async ingest(
    session: Session,
    imageId: string,
    bytes: Buffer,
    taskId = `ingest-${imageId}`,
  ): Promise<string> {
    this.hub.uploads.set(taskId, () => uploadOf(bytes));
    session.tell(ingestMessage(taskId, 1, imageId, bytes.length));
    const result = await session.result(taskId);
    if (!result.ingested) throw new Error(`not ingested: ${result.failure?.message}`);
    return result.ingested.root;
  }

  /** Bytes of a whole image as they lie in the store's folder. */
  async bytesAt(storeId: string, imageId: string): Promise<Buffer> {
    return await readFile((await this.folder(storeId)).inPool(imageId));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ending.disposeAsync();
  }
}

export function ingestMessage(taskId: string, attempt: number, imageId: string, sizeBytes: number) {
  const ingest = { sizeBytes, recordJson: '{"name":"sample"}' };
  return { assign: { taskId, attempt, jobId: JOB_ID, imageId, requestId: 'request-1', ingest } };
}

export interface CopyOrder {
  readonly taskId: string;
  readonly attempt: number;
  readonly imageId: string;
  readonly bytes: Buffer;
  /** Of the source; '' has the source dial. */
  readonly from: string;
  /** The store that copies. Default: dcn0. */
  readonly to?: string;
  /** In place of the right one. */
  readonly ticket?: string;
}

export interface ServeOrder {
  readonly taskId: string;
  readonly attempt: number;
  readonly imageId: string;
  readonly receiver: AgentBench;
  readonly requestId?: string;
  /** In place of the right one. */
  readonly ticket?: string;
}

/** `chunks` chunks of data, with a hole after the first. */
export function sample(chunks: number): Buffer {
  const sketch: ChunkSketch[] = Array.from({ length: chunks }, () => [0, 17, 63]);
  sketch.splice(1, 0, 'hole');
  return draw({ chunks: sketch, missingBytes: 1000 });
}
