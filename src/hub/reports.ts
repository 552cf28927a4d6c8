import type { Catalogue } from '../catalogue/catalogue.ts';
import { parseUuid } from '../domain/ids.ts';
import type { Task } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import type { TaskAttempt } from '../queue/agent-port.ts';
import type { Queue } from '../queue/queue.ts';
import type { AgentMessage__Output } from '../rpc/generated/entrepot/v1/AgentMessage.ts';
import type { Answer__Output } from '../rpc/generated/entrepot/v1/Answer.ts';
import type { HubMessage } from '../rpc/generated/entrepot/v1/HubMessage.ts';
import type { TaskProgress__Output } from '../rpc/generated/entrepot/v1/TaskProgress.ts';
import type { TaskResult__Output } from '../rpc/generated/entrepot/v1/TaskResult.ts';
import type { ReportRefusal } from '../telemetry/hub-metrics.ts';
import { withFields } from '../telemetry/request-context.ts';
import type { Attachment, Attachments } from './attachments.ts';
import type { ChangeFeed } from './change-feed.ts';
import { childrenOf, outcomeOfResult, progressOf, reasonOf, spaceOf } from './messages.ts';
import type { ProgressBoard } from './progress-board.ts';

export interface ReportsParts {
  readonly catalogue: Catalogue;
  readonly queue: Queue;
  readonly attachments: Attachments;
  readonly board: ProgressBoard;
  readonly feed: ChangeFeed;
  /** Told of each report that an agent had no business to make. */
  readonly onRefused: (storeId: string, reason: ReportRefusal) => void;
}

/**
 * What agents say of their work. Each is heard on its own store's tasks alone, and on attempts that the
 * hub has handed out; anything else is counted and changes nothing.
 */
export class Reports {
  readonly #parts: ReportsParts;

  constructor(parts: ReportsParts) {
    this.#parts = parts;
  }

  /** A message of an attached agent; what it is to be answered. INVALID, for the stream, when it names no task. */
  take(attachment: Attachment, message: AgentMessage__Output, requestId: string): HubMessage | undefined {
    const { storeId } = attachment;
    if (message.heartbeat) attachment.space = spaceOf(message.heartbeat);
    else if (message.progress) this.#progress(storeId, message.progress);
    else if (message.result) return this.#result(storeId, message.result, requestId);
    else if (message.answer) this.#answer(storeId, message.answer);
    return undefined;
  }

  /** Of the attempts an agent says it is at, those that may be its own. */
  ownOf(storeId: string, attempts: readonly TaskAttempt[]): TaskAttempt[] {
    return attempts.filter((attempt) => this.#own(storeId, attempt) !== undefined);
  }

  /** The task an agent calls about; FORBIDDEN, and counted, when it is another's or was never handed out. */
  requireOwn(storeId: string, attempt: TaskAttempt): Task {
    const task = this.#own(storeId, attempt);
    if (task !== undefined) return task;
    throw new Refusal('FORBIDDEN', `task ${attempt.taskId} was not given to store ${storeId}`);
  }

  /** FORBIDDEN, to be thrown, and counted: an agent asked for what is none of its business. */
  refusal(storeId: string, reason: ReportRefusal, what: string, hint?: string): Refusal {
    this.#parts.onRefused(storeId, reason);
    return new Refusal('FORBIDDEN', `the agent of store ${storeId} may not ${what}`, { hint });
  }

  #progress(storeId: string, { taskId: named, attempt, progress: said }: TaskProgress__Output): void {
    const { board, queue, feed } = this.#parts;
    const taskId = parseUuid(named, 'task id');
    const progress = progressOf(said);
    const task = this.#own(storeId, { taskId, attempt });
    // An attempt before the one at work: its last words were on their way.
    if (progress === undefined || task?.attempt !== attempt) return;
    if (board.report(task, attempt, progress)) queue.began(storeId, { taskId, attempt });
    feed.notify(task.imageId);
  }

  #result(storeId: string, result: TaskResult__Output, requestId: string): HubMessage {
    const { queue } = this.#parts;
    const { attempt } = result;
    const taskId = parseUuid(result.taskId, 'task id');
    const task = this.#own(storeId, { taskId, attempt });
    if (task !== undefined) {
      const fields = { taskId, jobId: task.jobId, imageId: task.imageId, requestId };
      withFields(fields, () => queue.ended(storeId, { taskId, attempt }, outcomeOrFailure(result)));
    }
    // What is refused is not to be said again either.
    return { kept: { taskId, attempt } };
  }

  #answer(storeId: string, { questionId, children, failure }: Answer__Output): void {
    const { attachments, onRefused } = this.#parts;
    const reason = failure ? reasonOf(failure) : undefined;
    const answer = reason ? new Refusal(reason.code, reason.message) : childrenOf(children);
    if (!attachments.answered(storeId, questionId, answer)) onRefused(storeId, 'unknown-question');
  }

  #own(storeId: string, { taskId, attempt }: TaskAttempt): Task | undefined {
    const { catalogue, onRefused } = this.#parts;
    const task = catalogue.tasks.find(taskId);
    const reason =
      task === undefined
        ? 'unknown-task'
        : task.storeId !== storeId
          ? 'other-store'
          : attempt < 1 || attempt > task.attempt
            ? 'unknown-attempt'
            : undefined;
    if (reason === undefined) return task;
    onRefused(storeId, reason);
    return undefined;
  }
}

/** A result that makes no sense is a failure of the attempt, not of the stream. */
function outcomeOrFailure(result: TaskResult__Output) {
  try {
    return outcomeOfResult(result);
  } catch (error) {
    const { message } = Refusal.from(error);
    const traffic = { receivedBytes: 0, holeBytes: 0, resumedBytes: 0, verifiedBytes: 0 };
    return { kind: 'failed', reason: { code: 'INTERNAL', message }, traffic } as const;
  }
}
