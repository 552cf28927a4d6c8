import { createHash } from 'node:crypto';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { parseUuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { acceptIdentity } from '../domain/rules/index.ts';
import { DRIVERS, type StoreIdentity } from '../domain/store.ts';
import type { Queue } from '../queue/queue.ts';
import type { AgentMessage__Output } from '../rpc/generated/entrepot/v1/AgentMessage.ts';
import type { Hello__Output } from '../rpc/generated/entrepot/v1/Hello.ts';
import type { HubMessage } from '../rpc/generated/entrepot/v1/HubMessage.ts';
import type { CallContext, Handlers, Write } from '../rpc/handlers.ts';
import type { AgentsService } from '../rpc/proto.ts';
import type { StoredImage } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import { withFields } from '../telemetry/request-context.ts';
import { Manifest } from '../transfer/manifest.ts';
import type { Attachment, Attachments } from './attachments.ts';
import type { ChangeFeed } from './change-feed.ts';
import { outcomeOfResult, progressOf, reasonOf } from './messages.ts';
import type { ProgressBoard } from './progress-board.ts';
import { reconcile } from './reconcile.ts';
import type { Uploads } from './uploads.ts';

const PIECE_BYTES = 1024 * 1024;

/** Manifest of an image with 7 TiB of data; what the hub holds in memory for a moment ends here. */
const MANIFEST_LIMIT_BYTES = 64 * 1024 * 1024;

/** How often `last_seen` goes to disk while an agent is attached. */
const SEEN_INTERVAL_MS = 60_000;

export interface AgentsParts {
  readonly catalogue: Catalogue;
  readonly queue: Queue;
  readonly attachments: Attachments;
  readonly uploads: Uploads;
  readonly board: ProgressBoard;
  readonly feed: ChangeFeed;
  readonly heartbeatIntervalMs: number;
  readonly log: Log;
  readonly now: () => number;
}

/** proto/entrepot/v1/agents.proto: the hub's side for agents. */
export function agentsService(parts: AgentsParts): Handlers<AgentsService> {
  const { catalogue, uploads } = parts;
  return {
    Attach: (messages, write, context) => new AttachSession(parts, write, context).run(messages),

    GetManifest: async (request, write) => {
      const body = catalogue.manifests.get(request.root);
      for (let at = 0; at < body.length; at += PIECE_BYTES)
        await write({ data: body.subarray(at, at + PIECE_BYTES) });
    },

    PutManifest: async (pieces) => {
      const parts: Buffer[] = [];
      let sizeBytes = 0;
      for await (const { data } of pieces) {
        sizeBytes += data.length;
        if (sizeBytes > MANIFEST_LIMIT_BYTES) throw new Refusal('INVALID', 'the manifest is too large');
        parts.push(data);
      }
      const body = Buffer.concat(parts);
      // Decoding is the check that it is one: what the hub keeps, agents will copy by.
      Manifest.decode(body);
      const root = createHash('sha256').update(body).digest('hex');
      catalogue.transact(() => catalogue.manifests.put(root, body));
      return { root };
    },

    PullUpload: async ({ taskId, attempt }, write, { signal }) => {
      const task = catalogue.tasks.get(parseUuid(taskId, 'task id'));
      if (task.kind !== 'ingest' || task.attempt !== attempt) {
        throw new Refusal(
          'CONFLICT',
          `attempt ${attempt} of task ${taskId} is not the one that takes an upload in`,
        );
      }
      await uploads.take(task.jobId, write, signal);
    },
  };
}

/** One agent's stream, from its hello to its end. */
class AttachSession {
  readonly #parts: AgentsParts;
  readonly #write: Write<HubMessage>;
  readonly #context: CallContext;
  readonly #replaced = new AbortController();
  #seenMs = 0;

  constructor(parts: AgentsParts, write: Write<HubMessage>, context: CallContext) {
    this.#parts = parts;
    this.#write = write;
    this.#context = context;
  }

  async run(messages: AsyncIterable<AgentMessage__Output>): Promise<void> {
    const stream = messages[Symbol.asyncIterator]();
    const hello = await this.#hello(stream);
    const inventory = await readInventory(stream);
    await withFields({ storeId: hello.storeId }, () => this.#attached(hello, inventory, stream));
  }

  /** The first message; refused when the store is not known or is not what it was (R10). */
  async #hello(stream: AsyncIterator<AgentMessage__Output>): Promise<Hello__Output> {
    const { catalogue } = this.#parts;
    const first = await stream.next();
    const hello = first.done ? undefined : first.value.hello;
    if (!hello) throw new Refusal('INVALID', 'the first message of an agent must be its hello');
    catalogue.transact(() => {
      const stores = catalogue.stores.all();
      const store = stores.find((one) => one.id === hello.storeId);
      if (store === undefined) {
        throw new Refusal('NOT_FOUND', `no store is named ${hello.storeId}`, {
          hint: `add it under stores: in the hub configuration, or set store: in the agent's to one of ${stores.map((one) => one.id).join(', ')}`,
        });
      }
      const pin = acceptIdentity(store, identityOf(hello), stores);
      if (pin !== undefined) catalogue.stores.pin(store.id, pin);
    });
    return hello;
  }

  async #attached(
    hello: Hello__Output,
    inventory: readonly StoredImage[],
    stream: AsyncIterator<AgentMessage__Output>,
  ): Promise<void> {
    const { attachments, queue, catalogue, log, now } = this.#parts;
    const { storeId } = hello;
    const attachment: Attachment = {
      storeId,
      transferAddress: hello.transferAddress,
      version: hello.version,
      sinceMs: now(),
      lastSeenMs: now(),
      space: undefined,
      // A write that fails means that the stream broke, which its reader finds out.
      tell: (message) => void this.#write(message).catch(() => undefined),
      replace: () => this.#replaced.abort(),
    };
    attachments.add(attachment);
    log.info({ version: hello.version, transferAddress: hello.transferAddress }, 'agent attached');
    try {
      attachment.tell({ welcome: { heartbeatIntervalMs: this.#parts.heartbeatIntervalMs } });
      const { lost, corrupt, leftovers } = reconcile(catalogue, storeId, inventory);
      if (lost.length + corrupt.length > 0)
        log.error({ lost, corrupt }, 'the store does not hold what it held');
      attachments.discard(storeId, leftovers);
      queue.attached(storeId, hello.running);
      await this.#listen(attachment, stream);
    } finally {
      if (attachments.remove(attachment)) {
        catalogue.transact(() => catalogue.stores.seen(storeId, attachment.lastSeenMs));
        this.#parts.board.clearStore(storeId);
        queue.detached(storeId);
        log.warn('agent detached');
      }
    }
  }

  async #listen(attachment: Attachment, stream: AsyncIterator<AgentMessage__Output>): Promise<void> {
    const { promise: replaced, resolve } = Promise.withResolvers<'replaced'>();
    this.#replaced.signal.addEventListener('abort', () => resolve('replaced'), { once: true });
    for (;;) {
      const next = await Promise.race([stream.next(), replaced]);
      if (next === 'replaced') {
        throw new Refusal('UNAVAILABLE', 'the hub ends this stream: it stops, or the agent attached anew');
      }
      if (next.done) return;
      this.#seen(attachment);
      this.#handle(attachment.storeId, next.value, attachment);
    }
  }

  #seen(attachment: Attachment): void {
    const { catalogue, now } = this.#parts;
    attachment.lastSeenMs = now();
    if (attachment.lastSeenMs - this.#seenMs < SEEN_INTERVAL_MS) return;
    this.#seenMs = attachment.lastSeenMs;
    catalogue.transact(() => catalogue.stores.seen(attachment.storeId, attachment.lastSeenMs));
  }

  #handle(storeId: string, message: AgentMessage__Output, attachment: Attachment): void {
    const { queue, board, attachments, catalogue, feed } = this.#parts;
    if (message.heartbeat) {
      const { freeBytes, totalBytes } = message.heartbeat;
      attachment.space =
        freeBytes !== undefined && totalBytes !== undefined ? { freeBytes, totalBytes } : undefined;
    } else if (message.progress) {
      const { taskId, attempt } = message.progress;
      const progress = progressOf(message.progress.progress);
      const task = catalogue.tasks.find(taskId);
      if (progress === undefined || task?.storeId !== storeId || task.attempt !== attempt) return;
      if (board.report(task, attempt, progress)) queue.began(storeId, { taskId, attempt });
      feed.notify(task.imageId);
    } else if (message.result) {
      const { taskId, attempt } = message.result;
      const task = catalogue.tasks.find(taskId);
      const fields = {
        taskId,
        jobId: task?.jobId,
        imageId: task?.imageId,
        requestId: this.#context.requestId,
      };
      withFields(fields, () => queue.ended(storeId, { taskId, attempt }, outcomeOrFailure(message)));
      attachment.tell({ kept: { taskId, attempt } });
    } else if (message.answer) {
      const { questionId, children, failure } = message.answer;
      const reason = failure ? reasonOf(failure) : undefined;
      attachments.answered(storeId, questionId, reason ? new Refusal(reason.code, reason.message) : children);
    }
  }
}

/** A result that makes no sense is a failure of the attempt, not of the stream. */
function outcomeOrFailure(message: AgentMessage__Output) {
  try {
    if (!message.result) throw new Refusal('INVALID', 'the message holds no result');
    return outcomeOfResult(message.result);
  } catch (error) {
    const { message: sentence } = Refusal.from(error);
    const traffic = { receivedBytes: 0, holeBytes: 0, resumedBytes: 0, verifiedBytes: 0 };
    return { kind: 'failed', reason: { code: 'INTERNAL', message: sentence }, traffic } as const;
  }
}

function identityOf(hello: Hello__Output): StoreIdentity {
  const driver = DRIVERS.find((one) => one === hello.driver);
  if (driver === undefined)
    throw new Refusal('INVALID', `driver '${hello.driver}' is not known`, { rule: 'R10' });
  return { driver, fsid: hello.fsid, pool: hello.pool };
}

async function readInventory(stream: AsyncIterator<AgentMessage__Output>): Promise<StoredImage[]> {
  const images: StoredImage[] = [];
  for (;;) {
    const next = await stream.next();
    const page = next.done ? undefined : next.value.inventory;
    if (!page) throw new Refusal('INVALID', 'after its hello an agent sends its whole inventory');
    for (const { imageId, form, sizeBytes } of page.images) {
      if (form === 'whole' || form === 'partial') images.push({ imageId, form, sizeBytes });
    }
    if (page.last) return images;
  }
}
