import type { Catalogue } from '../catalogue/catalogue.ts';
import { Refusal } from '../domain/refusal.ts';
import { centralOf } from '../domain/rules/index.ts';
import type { AgentPort, Assignment } from '../queue/agent-port.ts';
import type { HubMessage } from '../rpc/generated/entrepot/v1/HubMessage.ts';
import type { Space } from '../store/store.ts';
import { assignmentMessage } from './messages.ts';

/** A question about clones that is not answered by then is a site that does not answer. */
const ANSWER_TIMEOUT_MS = 10_000;

/** The hub's end of one agent's Attach stream. */
export interface Attachment {
  readonly storeId: string;
  readonly transferAddress: string;
  readonly version: string;
  readonly sinceMs: number;
  lastSeenMs: number;
  space: Space | undefined;
  /** Queues a message; a stream that broke is found out by its reader. */
  readonly tell: (message: HubMessage) => void;
  /** Ends the stream: another one of the same store took its place. */
  readonly replace: () => void;
}

/** The agents that are attached now: the queue's way to them. */
export class Attachments implements AgentPort {
  readonly #catalogue: Catalogue;
  readonly #attached = new Map<string, Attachment>();
  readonly #questions = new Map<
    number,
    { storeId: string; answer: PromiseWithResolvers<readonly string[]> }
  >();
  #lastQuestion = 0;

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
  }

  get(storeId: string): Attachment | undefined {
    return this.#attached.get(storeId);
  }

  isOnline(storeId: string): boolean {
    return this.#attached.has(storeId);
  }

  /** A stream that is still there for the same store is dead without knowing it: it gives way. */
  add(attachment: Attachment): void {
    const before = this.#attached.get(attachment.storeId);
    this.#attached.set(attachment.storeId, attachment);
    before?.replace();
  }

  /** False when another stream has taken its place already. */
  remove(attachment: Attachment): boolean {
    if (this.#attached.get(attachment.storeId) !== attachment) return false;
    this.#attached.delete(attachment.storeId);
    for (const [id, { storeId, answer }] of this.#questions) {
      if (storeId !== attachment.storeId) continue;
      this.#questions.delete(id);
      answer.reject(new Refusal('UNAVAILABLE', `store ${storeId} went away before it answered`));
    }
    return true;
  }

  /** Ends every stream: the hub stops. */
  closeAll(): void {
    for (const attachment of this.#attached.values()) attachment.replace();
  }

  /**
   * An edge dials its source. Central cannot dial an edge, so when it is central that
   * receives, the edge is asked to dial central and serve it.
   */
  assign(storeId: string, assignment: Assignment): void {
    const receiver = this.#attached.get(storeId);
    if (receiver === undefined) return;
    const { task, attempt, job } = assignment;
    const source = task.sourceStoreId === undefined ? undefined : this.#attached.get(task.sourceStoreId);
    const pushed = storeId === centralOf(this.#catalogue.stores.all()).id;
    receiver.tell({ assign: assignmentMessage(assignment, pushed ? '' : (source?.transferAddress ?? '')) });
    if (task.kind !== 'copy' || !pushed || source === undefined) return;
    source.tell({
      serve: {
        taskId: task.id,
        attempt,
        imageId: task.imageId,
        receiverAddress: receiver.transferAddress,
        requestId: job.requestId,
      },
    });
  }

  cancel(storeId: string, taskId: string, attempt: number): void {
    this.#attached.get(storeId)?.tell({ cancel: { taskId, attempt } });
  }

  discard(storeId: string, imageIds: readonly string[]): void {
    if (imageIds.length > 0) this.#attached.get(storeId)?.tell({ discard: { imageIds: [...imageIds] } });
  }

  async askChildren(storeId: string, imageId: string): Promise<readonly string[]> {
    const attachment = this.#attached.get(storeId);
    if (attachment === undefined) throw new Refusal('UNAVAILABLE', `store ${storeId} is away`);
    const questionId = ++this.#lastQuestion;
    const answer = Promise.withResolvers<readonly string[]>();
    this.#questions.set(questionId, { storeId, answer });
    const timer = setTimeout(() => {
      answer.reject(
        new Refusal('TIMEOUT', `store ${storeId} did not say in time whether clones depend on ${imageId}`),
      );
    }, ANSWER_TIMEOUT_MS).unref();
    attachment.tell({ question: { questionId, imageId } });
    try {
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#questions.delete(questionId);
    }
  }

  /** An answer from a store; one that is not awaited any more, or is another store's, is ignored. */
  answered(storeId: string, questionId: number, answer: readonly string[] | Refusal): void {
    const question = this.#questions.get(questionId);
    if (question?.storeId !== storeId) return;
    if (answer instanceof Refusal) question.answer.reject(answer);
    else question.answer.resolve(answer);
  }
}
