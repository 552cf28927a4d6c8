import { Registry } from 'prom-client';
import { Refusal } from '../../../src/domain/refusal.ts';
import { type BulkChannelSettings, bulkChannel, type Channel } from '../../../src/rpc/channel.ts';
import type { Handlers } from '../../../src/rpc/handlers.ts';
import { Agents, Images, Jobs, Stores, Transfer } from '../../../src/rpc/proto.ts';
import { RpcServer, type RpcServerSettings } from '../../../src/rpc/server.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { RpcMetrics } from '../../../src/telemetry/rpc-metrics.ts';

const SERVICES = { Images, Jobs, Stores, Agents, Transfer };
type Services = typeof SERVICES;

/** Handlers a test gives; whatever it leaves out refuses with UNSUPPORTED. */
export type Given = { readonly [Name in keyof Services]?: Partial<Handlers<Services[Name]>> };

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A server on a free port with what it logged and measured; and channels to it. */
export class Bench implements AsyncDisposable {
  readonly lines: LogLine[] = [];
  readonly registry = new Registry();
  readonly server: RpcServer;
  readonly #channels: Channel[] = [];
  port = 0;

  constructor(given: Given, settings: Partial<RpcServerSettings> = {}) {
    const target = { write: (line: string) => void this.lines.push(JSON.parse(line)) };
    this.server = new RpcServer({
      name: 'hub',
      host: '127.0.0.1',
      port: 0,
      log: createLoggers({ component: 'hub', level: 'info', target }).rpc,
      metrics: new RpcMetrics(this.registry),
      ...settings,
    });
    for (const [name, service] of Object.entries(SERVICES)) {
      this.server.add(service, { ...refuseAll(service), ...given[name as keyof Services] } as never);
    }
  }

  async start(): Promise<this> {
    this.port = await this.server.start();
    return this;
  }

  channel(settings: Partial<BulkChannelSettings> = {}): Channel {
    const channel = bulkChannel({ address: `127.0.0.1:${this.port}`, peer: 'hub', ...settings });
    this.#channels.push(channel);
    return channel;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const channel of this.#channels) await channel[Symbol.asyncDispose]();
    await this.server.stop(0);
  }
}

export function serve(given: Given, settings: Partial<RpcServerSettings> = {}): Promise<Bench> {
  return new Bench(given, settings).start();
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
export async function settled(count: () => number, quietMs = 300): Promise<number> {
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
