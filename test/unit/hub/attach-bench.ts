import { setImmediate as turn } from 'node:timers/promises';
import { Refusal } from '../../../src/domain/refusal.ts';
import { AttachSession } from '../../../src/hub/attach-session.ts';
import { Attachments } from '../../../src/hub/attachments.ts';
import { ChangeFeed } from '../../../src/hub/change-feed.ts';
import { LastSeen } from '../../../src/hub/last-seen.ts';
import { Pacing } from '../../../src/hub/pacing.ts';
import { ProgressBoard } from '../../../src/hub/progress-board.ts';
import { Reports } from '../../../src/hub/reports.ts';
import { TicketRenewals } from '../../../src/hub/ticket-renewals.ts';
import { Tickets } from '../../../src/hub/tickets.ts';
import { Queue } from '../../../src/queue/queue.ts';
import type { AgentMessage__Output } from '../../../src/rpc/generated/entrepot/v1/AgentMessage.ts';
import type { HubMessage } from '../../../src/rpc/generated/entrepot/v1/HubMessage.ts';
import type { CallContext } from '../../../src/rpc/handlers.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { Scratch, uuid } from '../catalogue/scratch.ts';

/** As the wire gives it: every field is there. */
export const HELLO = {
  storeId: 'dcn0',
  driver: 'file',
  fsid: uuid(1),
  pool: 'images',
  version: '1.2.3',
  transferAddress: '127.0.0.1:7442',
  running: [] as { taskId: string; attempt: number }[],
};

export const inventory = (ids: readonly string[], last = true, form = 'whole') =>
  message({ inventory: { images: ids.map((imageId) => ({ imageId, form, sizeBytes: 1 })), last } });

export const hello = (fields: Partial<typeof HELLO> = {}) => message({ hello: { ...HELLO, ...fields } });

/** A message of an agent with as much of it as matters. */
export function message(given: object): AgentMessage__Output {
  return given as AgentMessage__Output;
}

/** The hub's parts behind Attach, without a wire. */
export class AttachBench implements Disposable {
  readonly scratch = new Scratch();
  readonly attachments: Attachments;
  readonly lines: string[] = [];
  readonly refused: string[] = [];
  readonly parts: ConstructorParameters<typeof AttachSession>[0];

  constructor() {
    const { catalogue } = this.scratch;
    catalogue.transact(() => this.scratch.withStores());
    const now = () => this.scratch.nowMs;
    const target = { write: (line: string) => void this.lines.push(line) };
    const log = createLoggers({ component: 'hub', level: 'info', target }).attach;
    const credentials = () => {
      throw new Error('no tickets here');
    };
    const tickets = new Tickets({ catalogue, credentials, now });
    this.attachments = new Attachments(tickets, new Pacing(catalogue));
    const { attachments } = this;
    const feed = new ChangeFeed();
    const board = new ProgressBoard(now);
    const queue = new Queue({
      catalogue,
      agents: attachments,
      widths: { perStore: 1, overall: 1 },
      retry: { maxAttempts: 1, firstDelayMs: 1, maxDelayMs: 1, uploadKeepMs: 0 },
      newId: () => uuid(77),
      now,
      random: () => 0,
      onChange: () => undefined,
      onAttemptEnd: () => undefined,
      onFault: () => undefined,
    });
    const onRefused = (storeId: string, reason: string) => void this.refused.push(`${storeId} ${reason}`);
    const reports = new Reports({ catalogue, queue, attachments, board, feed, onRefused });
    const ticketRenewals = new TicketRenewals({ catalogue, attachments, tickets, log });
    const lastSeen = new LastSeen({ catalogue, log });
    const engine = { catalogue, attachments, queue, board, reports, ticketRenewals, lastSeen };
    this.parts = { ...engine, heartbeatIntervalMs: 1000, log, now };
    catalogue.transact(() =>
      catalogue.credentials.add({
        kind: 'certificate',
        subject: 'store/dcn0',
        hash: 'a'.repeat(64),
        expiresAtMs: Number.MAX_SAFE_INTEGER,
      }),
    );
  }

  [Symbol.dispose](): void {
    this.scratch[Symbol.dispose]();
  }

  stream(): AgentStream {
    return new AgentStream(this);
  }
}

/** One Attach stream of the agent of store dcn0, seen from both of its ends. */
export class AgentStream {
  /** How many of the agent's messages the hub has read. */
  read = 0;
  readonly written: HubMessage[] = [];
  /** While it is there, the agent takes nothing. */
  gate: Promise<void> | undefined;
  readonly over: Promise<Refusal | undefined>;
  isOver = false;
  readonly #said: AgentMessage__Output[] = [];
  #wake: () => void = () => undefined;

  constructor(bench: AttachBench) {
    const context = { caller: { kind: 'store', storeId: 'dcn0' }, requestId: 'r' } as CallContext;
    const write = async (one: HubMessage) => {
      this.written.push(one);
      await this.gate;
    };
    const session = new AttachSession(bench.parts, write, context).run(this.#messages());
    this.over = session.then(
      () => undefined,
      (error: unknown) => Refusal.from(error),
    );
    void this.over.then(() => {
      this.isOver = true;
    });
  }

  say(...messages: AgentMessage__Output[]): this {
    this.#said.push(...messages);
    this.#wake();
    return this;
  }

  /** Lets the hub take what it wants. */
  async settle(): Promise<void> {
    for (let n = 0; n < 5; n++) await turn();
  }

  async *#messages(): AsyncGenerator<AgentMessage__Output> {
    for (;;) {
      const next = this.#said.shift();
      if (next !== undefined) {
        this.read++;
        yield next;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
