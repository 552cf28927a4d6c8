import type { Catalogue } from '../catalogue/catalogue.ts';
import { isUuid, parseUuid } from '../domain/ids.ts';
import { isTaskEnded, type JobSpec, NO_TRAFFIC, type Task, type Traffic } from '../domain/job.ts';
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
import { outcomeOfResult, progressOf, reasonOf, secondsOf, spaceOf } from './messages.ts';
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

  /**
   * A message of an attached agent; what it is to be answered, once what it says is on disk. INVALID, for
   * the stream, when it names no task.
   */
  async take(
    attachment: Attachment,
    message: AgentMessage__Output,
    requestId: string,
  ): Promise<HubMessage | undefined> {
    const { storeId } = attachment;
    if (message.heartbeat) {
      attachment.space = spaceOf(message.heartbeat);
      this.#sweep(storeId, message.heartbeat.stagedImageIds);
    } else if (message.progress) await this.#progress(storeId, message.progress);
    else if (message.result) return await this.#result(storeId, message.result, requestId);
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

  async #progress(
    storeId: string,
    { taskId: named, attempt, progress: said }: TaskProgress__Output,
  ): Promise<void> {
    const { board, queue, feed } = this.#parts;
    const taskId = parseUuid(named, 'task id');
    const progress = progressOf(said);
    const task = this.#own(storeId, { taskId, attempt });
    // An attempt before the one at work, or one that is over: its last words were on their way.
    if (progress === undefined || task === undefined || !isAtWork(task, attempt)) return;
    const isFirst = board.report(task, attempt, progress);
    feed.notify(task.imageId);
    if (isFirst) await this.#write(storeId, () => queue.began(storeId, { taskId, attempt }));
  }

  async #result(storeId: string, result: TaskResult__Output, requestId: string): Promise<HubMessage> {
    const { queue } = this.#parts;
    const { attempt } = result;
    const taskId = parseUuid(result.taskId, 'task id');
    const task = this.#own(storeId, { taskId, attempt });
    if (task !== undefined) {
      const fields = { taskId, jobId: task.jobId, imageId: task.imageId, requestId };
      const outcome = outcomeOrFailure(result);
      await withFields(fields, () =>
        this.#write(storeId, () => {
          this.#account({ taskId, attempt }, outcome.traffic, result.seconds);
          queue.ended(storeId, { taskId, attempt }, outcome);
        }),
      );
    }
    // What is refused is not to be said again either.
    return { kept: { taskId, attempt } };
  }

  /** What the attempt came to; of one that is not at work any more it is said too late. */
  #account({ taskId, attempt }: TaskAttempt, traffic: Traffic, seconds: number): void {
    const { catalogue, board } = this.#parts;
    const task = catalogue.tasks.get(taskId);
    if (!isAtWork(task, attempt)) return;
    const compression = board.knows(taskId, attempt) ? board.lastOf(taskId)?.compression : undefined;
    catalogue.tasks.account(taskId, { traffic, seconds: secondsOf(seconds), compression });
  }

  /** Together with what other agents say at the same time. UNAUTHENTICATED when it was cut off by then. */
  async #write(storeId: string, work: () => void): Promise<void> {
    const { catalogue } = this.#parts;
    await catalogue.transactSoon(() => {
      if (catalogue.stores.find(storeId)?.revoked === false) work();
      else throw new Refusal('UNAUTHENTICATED', `store ${storeId} was cut off before it was heard`);
    });
  }

  #answer(storeId: string, answer: Answer__Output): void {
    const { attachments, onRefused } = this.#parts;
    const { questionId, failure } = answer;
    const reason = failure ? reasonOf(failure) : undefined;
    const said = reason ? new Refusal(reason.code, reason.message) : answer;
    if (!attachments.answered(storeId, questionId, said)) onRefused(storeId, 'unknown-question');
  }

  /** What lies in staging, and no job, now or later, will take in. */
  #sweep(storeId: string, imageIds: readonly string[]): void {
    const { attachments, catalogue } = this.#parts;
    const orphans = imageIds.filter((id) => isUuid(id) && !isStagingOwned(catalogue, storeId, id));
    attachments.discard(storeId, orphans);
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

/** Whether a file that lies in a store's staging waits for an import, or a job of the image is at work with it. */
function isStagingOwned(catalogue: Catalogue, storeId: string, imageId: string): boolean {
  const image = catalogue.images.find(imageId);
  if (image === undefined) return false;
  if (image.staged?.storeId === storeId) return true;
  return catalogue.jobs.unendedOfImage(imageId).some(({ spec }) => isStaging(spec, storeId));
}

function isStaging(spec: JobSpec, storeId: string): boolean {
  if (spec.kind === 'stage') return spec.storeId === storeId;
  return spec.kind === 'import' && spec.entryStoreId === storeId;
}

/** Whether this attempt is the task's newest, and nothing is known of its end. */
function isAtWork(task: Task, attempt: number): boolean {
  return task.attempt === attempt && task.state !== 'queued' && !isTaskEnded(task);
}

/** A result that makes no sense is a failure of the attempt, not of the stream. */
function outcomeOrFailure(result: TaskResult__Output) {
  try {
    return outcomeOfResult(result);
  } catch (error) {
    const { message } = Refusal.from(error);
    return { kind: 'failed', reason: { code: 'INTERNAL', message }, traffic: NO_TRAFFIC } as const;
  }
}
