import { createHash, createPublicKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { stringify } from 'yaml';
import { type HubConfig, loadHubConfig } from '../../../src/config/hub-config.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { OperatorRole } from '../../../src/domain/rules/rights.ts';
import { Hub } from '../../../src/hub/hub.ts';
import { initHub } from '../../../src/hub/init.ts';
import type { TaskAttempt } from '../../../src/queue/agent-port.ts';
import { callClientStream, callDuplex, callUnary, type DuplexCall } from '../../../src/rpc/calls.ts';
import { type Channel, type ChannelCredentials, controlChannel } from '../../../src/rpc/channel.ts';
import type { AgentMessage } from '../../../src/rpc/generated/entrepot/v1/AgentMessage.ts';
import type { Assignment__Output } from '../../../src/rpc/generated/entrepot/v1/Assignment.ts';
import type { Event__Output } from '../../../src/rpc/generated/entrepot/v1/Event.ts';
import type { HubMessage__Output } from '../../../src/rpc/generated/entrepot/v1/HubMessage.ts';
import type { Ingested } from '../../../src/rpc/generated/entrepot/v1/Ingested.ts';
import type { Method } from '../../../src/rpc/methods.ts';
import { Agents, Enrolment, Events, Images, Operators, Stores } from '../../../src/rpc/proto.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { type Manifest, ManifestBuilder } from '../../../src/transfer/manifest.ts';
import { type Credentials, loadCredentials, parseCredentials } from '../../../src/trust/credentials.ts';
import { HUB } from '../../../src/trust/identity.ts';
import { createPrivateKeyPem } from '../../../src/trust/keys.ts';
import { createRequest } from '../../../src/trust/request.ts';

export const MIB = 1024 * 1024;

// biome-ignore lint/suspicious/noExplicitAny: the form in which the other side sees a message does not matter here
type Other = any;

/** The Refusal a promise ends with. */
export async function refusalOf(promise: Promise<unknown>): Promise<Refusal> {
  const outcome = await promise.then(
    (value) => value,
    (error: unknown) => error,
  );
  if (outcome instanceof Refusal) return outcome;
  throw new Error('expected a Refusal', { cause: outcome });
}

export interface TestHubOptions {
  /** Merged into the configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly now?: () => number;
  /** Before the hub starts for the first time. */
  readonly prepare?: (config: HubConfig, operatorFolder: string) => Promise<void>;
}

/** A real hub on the loopback, set up by `initHub`, with its first operator and whoever it lets in. */
export class TestHub implements AsyncDisposable {
  readonly folder: string;
  readonly config: HubConfig;
  readonly lines: string[] = [];
  registry = new Registry();
  address = '';
  httpPort = 0;
  readonly #now: (() => number) | undefined;
  readonly #channels = new Map<ChannelCredentials, Channel>();
  #hub: Hub | undefined;
  #admin: Credentials | undefined;

  private constructor(folder: string, config: HubConfig, now: (() => number) | undefined) {
    this.folder = folder;
    this.config = config;
    this.#now = now;
  }

  /** Configured, and nothing more. */
  static async configure(options: TestHubOptions = {}): Promise<TestHub> {
    const folder = await mkdtemp(join(tmpdir(), 'entrepot-hub-'));
    const file = join(folder, 'hub.yaml');
    const listen = { grpc: '127.0.0.1:0', http: '127.0.0.1:0' };
    await writeFile(file, stringify({ listen, catalogue: 'hub/catalogue.sqlite', ...options.config }));
    return new TestHub(folder, await loadHubConfig(file), options.now);
  }

  static async start(options: TestHubOptions = {}): Promise<TestHub> {
    const hub = await TestHub.configure(options);
    await options.prepare?.(hub.config, hub.operatorFolder);
    const { config, operatorFolder } = hub;
    await initHub({ config, operatorName: 'admin', operatorFolder }, undefined, options.now);
    await hub.up();
    return hub;
  }

  get operatorFolder(): string {
    return join(this.folder, 'operator');
  }

  async up(): Promise<void> {
    this.registry = new Registry();
    const target = { write: (line: string) => void this.lines.push(line) };
    const loggers = createLoggers({ component: 'hub', level: 'debug', target });
    this.#hub = new Hub({
      config: this.config,
      loggers,
      registry: this.registry,
      ...(this.#now && { now: this.#now }),
    });
    const { grpcPort, httpPort } = await this.#hub.start();
    this.address = `127.0.0.1:${grpcPort}`;
    this.httpPort = httpPort;
  }

  async down(): Promise<void> {
    for (const channel of this.#channels.values()) await channel[Symbol.asyncDispose]();
    this.#channels.clear();
    await this.#hub?.[Symbol.asyncDispose]();
    this.#hub = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The first operator. */
  async admin(): Promise<Credentials> {
    this.#admin ??= await loadCredentials(this.operatorFolder);
    return this.#admin;
  }

  /** What somebody shows who has no credentials. */
  async nobody(): Promise<ChannelCredentials> {
    return { caPem: (await this.admin()).caPem };
  }

  /** One connection for each who asks. */
  channel(credentials: ChannelCredentials): Channel {
    const known = this.#channels.get(credentials);
    if (known !== undefined) return known;
    const channel = controlChannel({ address: this.address, peer: 'hub', credentials, expect: HUB });
    this.#channels.set(credentials, channel);
    return channel;
  }

  call<Request, Reply>(
    credentials: ChannelCredentials,
    method: Method<'unary', Request, Other, Other, Reply>,
    request: Request,
  ): Promise<Reply> {
    return callUnary(this.channel(credentials), method, request, { timeoutMs: 10_000 });
  }

  async addOperator(name: string, role: OperatorRole): Promise<Credentials> {
    const admin = await this.admin();
    await this.call(admin, Operators.Add, { name, role });
    return this.certificateOf(admin, name);
  }

  /** A new key, and a certificate for it, got by `asker` for operator `name`. */
  async certificateOf(asker: ChannelCredentials, name: string): Promise<Credentials> {
    const key = createPrivateKeyPem();
    const certificateRequest = await createRequest(key);
    const issued = await this.call(asker, Operators.IssueCertificate, { name, certificateRequest });
    return parseCredentials(issued.authorities, key + issued.certificate);
  }

  async tokenOf(name: string, lifetimeSeconds = 0): Promise<ChannelCredentials & { bearer: string }> {
    const issued = await this.call(await this.admin(), Operators.IssueToken, { name, lifetimeSeconds });
    return { caPem: issued.authorities, bearer: issued.token };
  }

  /** The join token. */
  async addStore(id: string, role = ''): Promise<string> {
    return (await this.call(await this.admin(), Stores.Add, { id, role })).joinToken;
  }

  async join(token: string, key = createPrivateKeyPem()): Promise<Credentials> {
    const certificateRequest = await createRequest(key);
    const issued = await this.call(await this.nobody(), Enrolment.Join, { token, certificateRequest });
    return parseCredentials(issued.authorities, key + issued.certificate);
  }

  /** A store that has joined, and whose agent is attached. */
  async site(id: string, role = ''): Promise<FakeAgent> {
    return this.attach(await this.join(await this.addStore(id, role)), id);
  }

  async attach(credentials: Credentials, storeId: string): Promise<FakeAgent> {
    const agent = new FakeAgent(this, credentials, storeId);
    await agent.hello();
    await agent.next((message) => message.welcome);
    return agent;
  }

  async events(
    filter: { actor?: string; storeId?: string; imageId?: string } = {},
  ): Promise<Event__Output[]> {
    return (await this.call(await this.admin(), Events.List, { ...filter, limit: 1000 })).events;
  }

  /** A sample of a metric, by its name and a label's value in it. */
  async metric(name: string, labels: Readonly<Record<string, string>>): Promise<number | undefined> {
    const values = (await this.registry.getSingleMetric(name)?.get())?.values ?? [];
    return values.find((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
      ?.value;
  }

  /** An active image of one data chunk, taken in by the fake agent of the central store. */
  async image(
    owner: ChannelCredentials,
    central: FakeAgent,
    name = 'image',
  ): Promise<{ id: string; root: string }> {
    const { id } = await this.call(owner, Images.Create, { name });
    const job = await this.call(owner, Images.BeginUpload, { imageId: id, sizeBytes: MIB });
    const upload = this.#upload(owner, job.id);
    const manifest = await central.ingest(await central.assigned(id));
    await upload;
    return { id, root: manifest.root };
  }

  /** The fake agent does not ask for the bytes, so the upload is left to end with its job. */
  async #upload(owner: ChannelCredentials, jobId: string): Promise<void> {
    await using call = callDuplex(this.channel(owner), Images.Upload, {
      metadata: { 'entrepot-job-id': jobId },
    });
    await call.write({ offset: 0, data: Buffer.alloc(1024, 7), last: false }).catch(() => undefined);
    await (async () => {
      for await (const _reply of call.messages);
    })().catch(() => undefined);
  }
}

/** The hub's side of an agent, driven by the test; it has no store behind it. */
export class FakeAgent {
  readonly storeId: string;
  readonly credentials: Credentials;
  readonly messages: HubMessage__Output[] = [];
  /** Settles with what ended the stream. */
  readonly ended: Promise<Refusal | undefined>;
  readonly #hub: TestHub;
  readonly #call: DuplexCall<AgentMessage, HubMessage__Output>;
  #wake: () => void = () => undefined;
  #isOver = false;

  constructor(hub: TestHub, credentials: Credentials, storeId: string) {
    this.#hub = hub;
    this.credentials = credentials;
    this.storeId = storeId;
    this.#call = callDuplex(hub.channel(credentials), Agents.Attach);
    this.ended = this.#read();
  }

  async hello(fsid = this.storeId, running: readonly TaskAttempt[] = []): Promise<void> {
    await this.say({
      hello: {
        storeId: this.storeId,
        driver: 'file',
        fsid,
        pool: 'images',
        version: '1',
        transferAddress: '127.0.0.1:9',
        running: [...running],
      },
    });
    await this.say({ inventory: { images: [], last: true } });
  }

  say(message: AgentMessage): Promise<void> {
    return this.#call.write(message);
  }

  end(): void {
    this.#call.end();
  }

  /** The first message, from now on or before, that `pick` makes something of; it is taken out. */
  async next<T>(pick: (message: HubMessage__Output) => T | null | undefined): Promise<T> {
    for (;;) {
      for (const [index, message] of this.messages.entries()) {
        const found = pick(message);
        if (found === null || found === undefined) continue;
        this.messages.splice(index, 1);
        return found;
      }
      if (this.#isOver) throw new Error('the stream is over', { cause: await this.ended });
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  assigned(imageId: string): Promise<Assignment__Output> {
    return this.next(({ assign }) => (assign?.imageId === imageId ? assign : undefined));
  }

  /** Reports an ingest as done, after its manifest was left at the hub. */
  async ingest({ taskId, attempt }: Assignment__Output, found: Partial<Ingested> = {}): Promise<Manifest> {
    const manifest = manifestOf(taskId);
    await this.putManifest(manifest);
    const hex = (length: number) => 'a'.repeat(length);
    await this.say({
      result: {
        taskId,
        attempt,
        ingested: {
          sizeBytes: MIB,
          dataBytes: MIB,
          root: manifest.root,
          checksum: hex(32),
          osHashAlgo: 'sha512',
          osHashValue: hex(128),
          ...found,
        },
      },
    });
    await this.next(({ kept }) => (kept?.taskId === taskId ? kept : undefined));
    return manifest;
  }

  async putManifest(manifest: Manifest): Promise<string> {
    await using call = callClientStream(this.#hub.channel(this.credentials), Agents.PutManifest);
    await call.write({ data: manifest.encode() }).catch(() => undefined);
    return (await call.finish()).root;
  }

  async #read(): Promise<Refusal | undefined> {
    try {
      for await (const message of this.#call.messages) {
        this.messages.push(message);
        this.#wake();
      }
      return undefined;
    } catch (error) {
      return Refusal.from(error);
    } finally {
      this.#isOver = true;
      this.#wake();
    }
  }
}

/** Of an image with one chunk of data; which data does not matter. */
export function manifestOf(seed: string): Manifest {
  const builder = new ManifestBuilder(MIB);
  builder.add(0, createHash('sha256').update(seed).digest());
  return builder.build();
}

/** SPKI, DER. */
export function publicKeyOf(privateKeyPem: string): Buffer {
  return createPublicKey(privateKeyPem).export({ type: 'spki', format: 'der' });
}
