import { hasPace } from '../domain/pace.ts';
import { Refusal } from '../domain/refusal.ts';
import type { AgentPort, Assignment } from '../queue/agent-port.ts';
import type { Answer__Output } from '../rpc/generated/entrepot/v1/Answer.ts';
import type { HubMessage } from '../rpc/generated/entrepot/v1/HubMessage.ts';
import type { Question } from '../rpc/generated/entrepot/v1/Question.ts';
import type { Space } from '../store/store.ts';
import { assignmentMessage, childrenOf } from './messages.ts';
import type { Pacing, PacingNews } from './pacing.ts';
import type { Tickets } from './tickets.ts';

/** A question that is not answered by then is a site that does not answer. */
const ANSWER_TIMEOUT_MS = 10_000;

/** The hub's end of one agent's Attach stream. */
export interface Attachment {
  readonly storeId: string;
  readonly transferAddress: string;
  readonly version: string;
  readonly sinceMs: number;
  lastSeenMs: number;
  space: Space | undefined;
  /** Queues a message; a stream that broke is found out by its reader. Who leaves too many lying is detached. */
  readonly tell: (message: HubMessage) => void;
  /** Ends the stream: another one of the same store took its place, or the hub stops. */
  readonly replace: () => void;
}

/** The agents that are attached now: the queue's way to them. */
export class Attachments implements AgentPort {
  readonly #tickets: Tickets;
  readonly #pacing: Pacing;
  readonly #attached = new Map<string, Attachment>();
  /** What each was told of paces. */
  readonly #paced = new WeakMap<Attachment, string>();
  /** Streams that are not attached yet, and how each ends. */
  readonly #arriving = new Map<string, () => void>();
  readonly #questions = new Map<number, { storeId: string; answer: PromiseWithResolvers<Answer__Output> }>();
  #lastQuestion = 0;

  constructor(tickets: Tickets, pacing: Pacing) {
    this.#tickets = tickets;
    this.#pacing = pacing;
  }

  get(storeId: string): Attachment | undefined {
    return this.#attached.get(storeId);
  }

  isOnline(storeId: string): boolean {
    return this.#attached.has(storeId);
  }

  /**
   * A stream that is about to attach, until this is disposed of. One for each store: the one before is
   * ended, so that what agents say of themselves is in memory once.
   */
  arriving(storeId: string, end: () => void): Disposable {
    this.#arriving.get(storeId)?.();
    this.#arriving.set(storeId, end);
    return {
      [Symbol.dispose]: () => {
        if (this.#arriving.get(storeId) === end) this.#arriving.delete(storeId);
      },
    };
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

  /** All but one are told. */
  tellOthers(storeId: string, message: HubMessage): void {
    for (const attachment of this.#attached.values()) {
      if (attachment.storeId !== storeId) attachment.tell(message);
    }
  }

  /** Tells agents how fast image data may go; all, or only some. Who was told the same before is left alone. */
  tellPacing(attachments: Iterable<Attachment> = this.#attached.values()): void {
    const newsOf = this.#pacing.read();
    for (const attachment of attachments) this.#tellNews(attachment, newsOf(attachment.storeId));
  }

  #tellNews(attachment: Attachment, { message, text }: PacingNews): void {
    if (this.#paced.get(attachment) === text) return;
    this.#paced.set(attachment, text);
    attachment.tell({ pacing: message });
  }

  /** Ends every stream: the hub stops. */
  closeAll(): void {
    for (const end of this.#arriving.values()) end();
    for (const attachment of this.#attached.values()) attachment.replace();
  }

  /**
   * An edge dials its source. Central cannot dial an edge, so when it is central that
   * receives, the edge is asked to dial central and serve it. Who dials gets the ticket.
   */
  assign(storeId: string, assignment: Assignment): void {
    const receiver = this.#attached.get(storeId);
    if (receiver === undefined) return;
    const { task, attempt, job } = assignment;
    if (task.kind !== 'copy' || task.sourceStoreId === undefined) {
      if (hasPace(job)) this.tellPacing([receiver]);
      receiver.tell({ assign: assignmentMessage(assignment) });
      return;
    }
    const source = this.#attached.get(task.sourceStoreId);
    // Before anything is sent for the job.
    if (hasPace(job)) this.tellPacing(source === undefined ? [receiver] : [source, receiver]);
    const { action, ticket } = this.#tickets.forAttempt(task, attempt);
    if (action === 'pull') {
      const sourceAddress = source?.transferAddress ?? '';
      receiver.tell({ assign: assignmentMessage(assignment, { sourceAddress, ticket }) });
      return;
    }
    receiver.tell({ assign: assignmentMessage(assignment) });
    source?.tell({
      serve: {
        taskId: task.id,
        attempt,
        imageId: task.imageId,
        receiverAddress: receiver.transferAddress,
        receiverStoreId: receiver.storeId,
        requestId: job.requestId,
        jobId: job.id,
        ticket,
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
    const what = `whether clones depend on ${imageId}`;
    return childrenOf((await this.ask(storeId, { imageId }, what)).children);
  }

  /** UNAVAILABLE or TIMEOUT when the store does not answer; what it refuses with, as it is. */
  async ask(storeId: string, question: Omit<Question, 'questionId'>, what: string): Promise<Answer__Output> {
    const attachment = this.#attached.get(storeId);
    if (attachment === undefined) throw new Refusal('UNAVAILABLE', `store ${storeId} is away`);
    const questionId = ++this.#lastQuestion;
    const answer = Promise.withResolvers<Answer__Output>();
    this.#questions.set(questionId, { storeId, answer });
    const timer = setTimeout(() => {
      answer.reject(new Refusal('TIMEOUT', `store ${storeId} did not say in time ${what}`));
    }, ANSWER_TIMEOUT_MS).unref();
    attachment.tell({ question: { questionId, ...question } });
    try {
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#questions.delete(questionId);
    }
  }

  /** An answer from a store. False, and ignored, when it is not awaited any more, or is another store's to give. */
  answered(storeId: string, questionId: number, answer: Answer__Output | Refusal): boolean {
    const question = this.#questions.get(questionId);
    if (question?.storeId !== storeId) return false;
    if (answer instanceof Refusal) question.answer.reject(answer);
    else question.answer.resolve(answer);
    return true;
  }
}
