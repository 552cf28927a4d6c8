import { Registry } from 'prom-client';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { Caller, Right } from '../../../src/domain/rules/rights.ts';
import type { Authenticate } from '../../../src/rpc/caller.ts';
import { type BulkChannelSettings, bulkChannel, type Channel } from '../../../src/rpc/channel.ts';
import type { RefusedCall } from '../../../src/rpc/gate.ts';
import type { Handlers } from '../../../src/rpc/handlers.ts';
import { Agents, Images, Jobs, Stores, Transfer } from '../../../src/rpc/proto.ts';
import { RpcServer, type RpcServerSettings } from '../../../src/rpc/server.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { RpcMetrics } from '../../../src/telemetry/rpc-metrics.ts';
import { HUB, type Identity } from '../../../src/trust/identity.ts';
import { TestAuthority } from '../../trust/test-authority.ts';

const SERVICES = { Images, Jobs, Stores, Agents, Transfer };
type Services = typeof SERVICES;

/** Handlers a test gives; whatever it leaves out refuses with UNSUPPORTED. */
export type Given = { readonly [Name in keyof Services]?: Partial<Handlers<Services[Name]>> };

/** The cloud of these tests, with the hub's certificate and that of one operator. */
export const authority = await TestAuthority.create();
export const hubCredentials = await authority.credentials(HUB);
export const ALICE: Identity = { kind: 'operator', name: 'alice' };
export const aliceCredentials = await authority.credentials(ALICE);

/** Operators are admins, but for those whose name is that of another role; one token is known. */
export const TOKEN = 'entrepot-api-0123456789012345678901234567890123456789012';
export const authenticate: Authenticate = ({ certificate, bearer }) => {
  if (bearer === TOKEN) return { kind: 'operator', name: 'bearer', role: 'admin' };
  if (bearer !== undefined) throw new Refusal('UNAUTHENTICATED', 'the token is not known');
  return callerOf(certificate?.identity);
};

function callerOf(identity: Identity | undefined): Caller {
  if (identity === undefined) return { kind: 'nobody' };
  if (identity.kind !== 'operator') return identity;
  const { name } = identity;
  return { kind: 'operator', name, role: name === 'member' || name === 'reader' ? name : 'admin' };
}

export interface BenchSettings extends Partial<RpcServerSettings> {
  /** By path, for methods that ask for more than to be known. */
  readonly rights?: Readonly<Record<string, Right>>;
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A server on a free port with what it logged and measured; and channels to it. */
export class Bench implements AsyncDisposable {
  readonly lines: LogLine[] = [];
  readonly registry = new Registry();
  readonly refused: RefusedCall[] = [];
  readonly server: RpcServer;
  readonly #channels: Channel[] = [];
  port = 0;

  constructor(given: Given, { rights = {}, ...settings }: BenchSettings = {}) {
    const target = { write: (line: string) => void this.lines.push(JSON.parse(line)) };
    this.server = new RpcServer({
      name: 'hub',
      host: '127.0.0.1',
      port: 0,
      log: createLoggers({ component: 'hub', level: 'info', target }).rpc,
      metrics: new RpcMetrics(this.registry),
      credentials: hubCredentials,
      clients: 'anyone',
      authenticate,
      onRefused: (refused) => void this.refused.push(refused),
      ...settings,
    });
    for (const [name, service] of Object.entries(SERVICES)) {
      const handlers = { ...refuseAll(service), ...given[name as keyof Services] };
      this.server.add<object>(service, handlers, rightsOf(service, rights));
    }
  }

  async start(): Promise<this> {
    this.port = await this.server.start();
    return this;
  }

  /** How to reach it as alice. */
  get address() {
    return reach(this.port);
  }

  channel(settings: Partial<BulkChannelSettings> = {}): Channel {
    const channel = bulkChannel({ ...this.address, ...settings });
    this.#channels.push(channel);
    return channel;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const channel of this.#channels) await channel[Symbol.asyncDispose]();
    await this.server.stop(0);
  }
}

export function serve(given: Given, settings: BenchSettings = {}): Promise<Bench> {
  return new Bench(given, settings).start();
}

/** Settings of a channel to a hub on this machine, as alice. */
export function reach(port: number) {
  return { address: `127.0.0.1:${port}`, peer: 'hub', credentials: aliceCredentials, expect: HUB };
}

function rightsOf(service: object, rights: Readonly<Record<string, Right>>): Record<string, Right> {
  const methods = Object.entries(service as Readonly<Record<string, { readonly path: string }>>);
  return Object.fromEntries(methods.map(([name, { path }]) => [name, rights[path] ?? 'known']));
}

function refuseAll(service: object): Record<string, () => Promise<never>> {
  const refuse = async () => {
    throw new Refusal('UNSUPPORTED', 'not part of this test');
  };
  return Object.fromEntries(Object.keys(service).map((name) => [name, refuse]));
}

/** The Refusal a promise rejects with. */
export async function refusalIn(promise: Promise<unknown>): Promise<Refusal> {
  const outcome = await promise.then(
    () => 'it went well',
    (error: unknown) => error,
  );
  if (outcome instanceof Refusal) return outcome;
  throw new Error('expected a Refusal', { cause: outcome });
}

export async function collect<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

/** Something to wait for, from outside. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** Polls until nothing has changed for a while: for counts that must stop growing. */
export async function settled(count: () => number, quietMs = 800): Promise<number> {
  let last = count();
  let sinceMs = performance.now();
  while (performance.now() - sinceMs < quietMs) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (count() !== last) {
      last = count();
      sinceMs = performance.now();
    }
  }
  return last;
}
