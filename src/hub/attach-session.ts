import type { Catalogue } from '../catalogue/catalogue.ts';
import { Refusal } from '../domain/refusal.ts';
import { acceptIdentity, storeOf } from '../domain/rules/index.ts';
import type { Queue } from '../queue/queue.ts';
import type { AgentMessage__Output } from '../rpc/generated/entrepot/v1/AgentMessage.ts';
import type { HubMessage } from '../rpc/generated/entrepot/v1/HubMessage.ts';
import type { CallContext, Write } from '../rpc/handlers.ts';
import type { StoredImage } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import { withFields } from '../telemetry/request-context.ts';
import type { Attachment, Attachments } from './attachments.ts';
import { type Introduction, readHello, readInventory } from './introduction.ts';
import type { LastSeen } from './last-seen.ts';
import type { ProgressBoard } from './progress-board.ts';
import { reconcile } from './reconcile.ts';
import type { Reports } from './reports.ts';
import { isInGoodStanding } from './standing.ts';
import type { TicketRenewals } from './ticket-renewals.ts';
import { welcome } from './welcome.ts';

/** How often an agent is said to be there still, and its certificate is looked at again, while it is attached. */
const SEEN_INTERVAL_MS = 60_000;

/** For the hello and the inventory. An agent gives up itself when it has no welcome after 30 s. */
const INTRODUCTION_TIMEOUT_MS = 60_000;

/**
 * Messages the hub has for an agent that takes none. All that it can be at is 64 tasks, and a message
 * is a few KiB: who leaves more lying than this does not read.
 */
const UNSENT_LIMIT = 1024;

export interface AttachParts {
  readonly catalogue: Catalogue;
  readonly queue: Queue;
  readonly attachments: Attachments;
  readonly board: ProgressBoard;
  readonly reports: Reports;
  readonly ticketRenewals: TicketRenewals;
  readonly lastSeen: LastSeen;
  readonly heartbeatIntervalMs: number;
  readonly log: Log;
  readonly now: () => number;
}

/** One agent's stream, from its hello to its end. */
export class AttachSession {
  readonly #parts: AttachParts;
  readonly #write: Write<HubMessage>;
  readonly #context: CallContext;
  /** As the caller's certificate says: nothing the agent says of itself makes it another. */
  readonly #storeId: string;
  /** Why the stream is ended from here. */
  #reason: Refusal | undefined;
  #interrupt: ((reason: Refusal) => void) | undefined;
  #unsent = 0;
  #seenMs = 0;

  constructor(parts: AttachParts, write: Write<HubMessage>, context: CallContext) {
    this.#parts = parts;
    this.#write = write;
    this.#context = context;
    this.#storeId = storeOf(context.caller);
  }

  /** Settles, always with a Refusal unless the agent ended it, when the stream is over. */
  async run(messages: AsyncIterable<AgentMessage__Output>): Promise<void> {
    const stream = messages[Symbol.asyncIterator]();
    await withFields({ storeId: this.#storeId }, async () => {
      const { hello, inventory } = await this.#introduction(stream);
      await this.#attached(hello, inventory, stream);
    });
  }

  async #introduction(
    stream: AsyncIterator<AgentMessage__Output>,
  ): Promise<{ hello: Introduction; inventory: StoredImage[] }> {
    using _arrival = this.#parts.attachments.arriving(this.#storeId, this.#giveWay);
    const timer = setTimeout(() => this.#end(tooLate()), INTRODUCTION_TIMEOUT_MS).unref();
    const introduce = async () => {
      const hello = await this.#hello(stream);
      return { hello, inventory: await readInventory(stream) };
    };
    try {
      return await this.#unlessEnded(introduce());
    } finally {
      clearTimeout(timer);
    }
  }

  /** The first message; refused when it speaks for another store, or the store is not what it was (R10). */
  async #hello(stream: AsyncIterator<AgentMessage__Output>): Promise<Introduction> {
    const { catalogue, reports } = this.#parts;
    const storeId = this.#storeId;
    const first = await stream.next();
    const hello = readHello(first.done ? undefined : first.value);
    if (hello.storeId !== storeId) {
      const hint = `its certificate is that of store ${storeId}: \`store\` in its configuration must be the same`;
      throw reports.refusal(storeId, 'other-store', `attach as store ${hello.storeId}`, hint);
    }
    catalogue.transact(() => {
      const pin = acceptIdentity(catalogue.stores.get(storeId), hello.identity, catalogue.stores.all());
      if (pin !== undefined) catalogue.stores.pin(storeId, pin);
    });
    return hello;
  }

  async #attached(
    hello: Introduction,
    inventory: readonly StoredImage[],
    stream: AsyncIterator<AgentMessage__Output>,
  ): Promise<void> {
    const { attachments, queue, catalogue, reports, log, now } = this.#parts;
    const storeId = this.#storeId;
    const { transferAddress, version } = hello;
    const attachment: Attachment = {
      storeId,
      transferAddress,
      version,
      sinceMs: now(),
      lastSeenMs: now(),
      space: undefined,
      tell: (message) => this.#tell(message),
      replace: this.#giveWay,
    };
    attachments.add(attachment);
    log.info({ version, transferAddress }, 'agent attached');
    try {
      attachment.tell({ welcome: welcome(catalogue, this.#parts.heartbeatIntervalMs) });
      attachments.tellPacing([attachment]);
      const { lost, corrupt, leftovers } = reconcile(catalogue, storeId, inventory);
      if (lost.length + corrupt.length > 0)
        log.error({ lost, corrupt }, 'the store does not hold what it held');
      attachments.discard(storeId, leftovers);
      queue.attached(storeId, reports.ownOf(storeId, hello.running));
      this.#parts.ticketRenewals.renewOf(storeId);
      await this.#listen(attachment, stream);
    } finally {
      if (attachments.remove(attachment)) {
        log.warn('agent detached');
        this.#parts.board.clearStore(storeId);
        queue.detached(storeId);
        this.#parts.lastSeen.heard(storeId, attachment.lastSeenMs);
      }
    }
  }

  async #listen(attachment: Attachment, stream: AsyncIterator<AgentMessage__Output>): Promise<void> {
    for (;;) {
      const next = await this.#unlessEnded(stream.next());
      if (next.done) return;
      this.#seen(attachment);
      const heard = this.#parts.reports.take(attachment, next.value, this.#context.requestId);
      const answer = await this.#unlessEnded(heard);
      // An agent that does not read its answers is not read either.
      if (answer !== undefined) await this.#unlessEnded(this.#write(answer));
    }
  }

  /** For what the agent did not ask for. A write that fails means that the stream broke, which its reader finds out. */
  #tell(message: HubMessage): void {
    if (this.#unsent >= UNSENT_LIMIT) {
      this.#end(new Refusal('UNAVAILABLE', `the agent has left ${UNSENT_LIMIT} messages of the hub lying`));
      return;
    }
    this.#unsent++;
    const settled = () => void this.#unsent--;
    this.#write(message).then(settled, settled);
  }

  readonly #giveWay = (): void =>
    this.#end(new Refusal('UNAVAILABLE', 'the hub ends this stream: it stops, or the agent attached anew'));

  #end(reason: Refusal): void {
    this.#reason ??= reason;
    this.#interrupt?.(this.#reason);
  }

  /**
   * What `work` comes to, or, as soon as the stream is ended from here, why. One at a time. Not a race
   * with a promise that lasts as long as the stream: that would keep every message to the end of it.
   */
  #unlessEnded<T>(work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#interrupt = reject;
    if (this.#reason !== undefined) reject(this.#reason);
    work.then(resolve, reject);
    return promise;
  }

  #seen(attachment: Attachment): void {
    const { catalogue, lastSeen, now } = this.#parts;
    const { storeId } = attachment;
    attachment.lastSeenMs = now();
    if (attachment.lastSeenMs - this.#seenMs < SEEN_INTERVAL_MS) return;
    this.#seenMs = attachment.lastSeenMs;
    if (!isInGoodStanding(catalogue, storeId, attachment.lastSeenMs)) {
      throw new Refusal('UNAUTHENTICATED', `the certificate of store ${storeId} has expired`, {
        hint: `\`entrepot store add ${storeId}\` gives its agent a token to join with again`,
      });
    }
    lastSeen.heard(storeId, attachment.lastSeenMs);
  }
}

function tooLate(): Refusal {
  const seconds = INTRODUCTION_TIMEOUT_MS / 1000;
  return new Refusal('TIMEOUT', `the agent did not say what its store holds within ${seconds} s`, {
    hint: 'look at the log of the agent: its store may be slow to list',
  });
}
