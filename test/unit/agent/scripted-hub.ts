import { Registry } from 'prom-client';
import { vi } from 'vitest';
import type { Refusal } from '../../../src/domain/refusal.ts';
import type { AgentMessage__Output } from '../../../src/rpc/generated/entrepot/v1/AgentMessage.ts';
import type { Hello__Output } from '../../../src/rpc/generated/entrepot/v1/Hello.ts';
import type { HubMessage } from '../../../src/rpc/generated/entrepot/v1/HubMessage.ts';
import type { StoredImage__Output } from '../../../src/rpc/generated/entrepot/v1/StoredImage.ts';
import type { TaskResult__Output } from '../../../src/rpc/generated/entrepot/v1/TaskResult.ts';
import { Agents } from '../../../src/rpc/proto.ts';
import { RpcServer } from '../../../src/rpc/server.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { RpcMetrics } from '../../../src/telemetry/rpc-metrics.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import { Manifest } from '../../../src/transfer/manifest.ts';
import { gate } from '../rpc/harness.ts';

/** What `find` finds, as soon as it finds something. */
export function eventually<T>(find: () => T | undefined | false, timeout = 10_000): Promise<T> {
  return vi.waitFor(
    () => {
      const found = find();
      if (found === undefined || found === false) throw new Error(`nothing yet: ${find.toString()}`);
      return found;
    },
    { interval: 5, timeout },
  );
}

/** One Attach stream at the hub. */
export class Session {
  readonly hello: Hello__Output;
  readonly inventory: StoredImage__Output[] = [];
  readonly pages: number[] = [];
  readonly messages: AgentMessage__Output[] = [];
  readonly tell: (message: HubMessage) => void;
  readonly cut = gate();
  isOver = false;

  constructor(hello: Hello__Output, tell: (message: HubMessage) => void) {
    this.hello = hello;
    this.tell = tell;
  }

  get running(): string[] {
    return this.hello.running.map(({ taskId, attempt }) => `${taskId}/${attempt}`);
  }

  results(taskId: string): TaskResult__Output[] {
    return this.messages.flatMap(({ result }) => (result?.taskId === taskId ? [result] : []));
  }

  phases(taskId: string): string[] {
    const phases = this.messages.flatMap(({ progress }) =>
      progress?.taskId === taskId ? [progress.progress?.phase ?? ''] : [],
    );
    return phases.filter((phase, at) => phase !== phases[at - 1]);
  }

  result(taskId: string): Promise<TaskResult__Output> {
    return eventually(() => this.results(taskId)[0]);
  }
}

/** The hub's side of the contract, at the command of a test: it does what it is told and writes down the rest. */
export class ScriptedHub implements AsyncDisposable {
  readonly sessions: Session[] = [];
  readonly manifests = new Map<string, Buffer>();
  readonly uploads = new Map<string, () => Iterable<Frame> | AsyncIterable<Frame>>();
  readonly pulledUploads: string[] = [];
  manifestsAsked = 0;
  hellos = 0;
  /** Agents are sent away with this. */
  refuses: Refusal | undefined;
  /** Results are acknowledged. */
  keeps = true;
  heartbeatIntervalMs = 20;
  port = 0;
  #server: RpcServer | undefined;

  static async start(port = 0): Promise<ScriptedHub> {
    const hub = new ScriptedHub();
    await hub.start(port);
    return hub;
  }

  async start(port: number): Promise<void> {
    this.#server = new RpcServer({
      name: 'hub',
      host: '127.0.0.1',
      port,
      log: createLoggers({ component: 'hub', level: 'silent' }).rpc,
      metrics: new RpcMetrics(new Registry()),
    });
    this.#server.add(Agents, {
      Attach: (messages, write) => this.#attach(messages[Symbol.asyncIterator](), write),
      GetManifest: async ({ root }, write) => {
        this.manifestsAsked += 1;
        await write({ data: this.manifests.get(root) ?? Buffer.alloc(0) });
      },
      PutManifest: async (pieces) => {
        const data: Buffer[] = [];
        for await (const piece of pieces) data.push(piece.data);
        const body = Buffer.concat(data);
        const { root } = Manifest.decode(body);
        this.manifests.set(root, body);
        return { root };
      },
      PullUpload: async ({ taskId, attempt }, write) => {
        this.pulledUploads.push(`${taskId}/${attempt}`);
        for await (const frame of this.uploads.get(taskId)?.() ?? []) await write(frame);
      },
    });
    this.port = await this.#server.start();
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The stream the agent of a store has now. */
  session(storeId: string, after?: Session): Promise<Session> {
    return eventually(() =>
      this.sessions.findLast((one) => one.hello.storeId === storeId && !one.isOver && one !== after),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.stop(0);
  }

  async #attach(
    messages: AsyncIterator<AgentMessage__Output>,
    write: (message: HubMessage) => Promise<void>,
  ): Promise<void> {
    const first = await messages.next();
    this.hellos += 1;
    if (this.refuses) throw this.refuses;
    const hello = first.done ? undefined : first.value.hello;
    if (!hello) throw new Error('no hello');
    const session = new Session(hello, (message) => void write(message).catch(() => undefined));
    for (let last = false; !last; ) {
      const page = (await messages.next()).value?.inventory;
      if (!page) throw new Error('no inventory');
      session.inventory.push(...page.images);
      session.pages.push(page.images.length);
      last = page.last;
    }
    session.tell({ welcome: { heartbeatIntervalMs: this.heartbeatIntervalMs } });
    this.sessions.push(session);
    try {
      for (;;) {
        const next = await Promise.race([messages.next(), session.cut.opened]);
        if (!next || next.done) return;
        session.messages.push(next.value);
        const { result } = next.value;
        if (result && this.keeps) session.tell({ kept: { taskId: result.taskId, attempt: result.attempt } });
      }
    } finally {
      session.isOver = true;
    }
  }
}
