import { brokeOff, isTaskEnded, type Job, type JobSpec, type Task } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import { requireCancellable } from '../domain/rules/index.ts';
import type { Outcome, TaskAttempt } from './agent-port.ts';
import { Dispatcher } from './dispatcher.ts';
import type { Asked, QueueParts } from './parts.ts';
import { Pieces } from './pieces.ts';
import { mayStopTasks, onlyWaits } from './plan/index.ts';
import { Planner } from './planner.ts';
import { delayMs } from './retry.ts';
import { abandon, applyFailure, applyLate, applyOutcome } from './settle.ts';

/** Tasks that are put back in line at once when their source is back: all that wait may wait for it. */
const RESUMED_AT_ONCE = 256;

/** An operator waits at a terminal: a site that fails again and again is not asked more seldom than after so many attempts. */
const UPLOAD_ATTEMPTS = 3;

/**
 * Durable jobs, one at a time per image in order of arrival (R5). Every change is one
 * transaction: what happened is applied, then the plan of the image's first job is
 * computed and applied until nothing is left to do now. Messages to agents go out after
 * the commit, that of the outermost transaction where these calls are made inside of one;
 * a crash between the two is healed when the agent attaches again.
 */
export class Queue {
  readonly #parts: QueueParts;
  readonly #dispatcher: Dispatcher;
  readonly #planner: Planner;
  readonly #pieces: Pieces;

  constructor(parts: QueueParts) {
    this.#parts = parts;
    this.#dispatcher = new Dispatcher(parts, (tasks) => this.#changed(tasks));
    this.#pieces = new Pieces(parts);
    this.#planner = new Planner(parts, this.#pieces, {
      onPlanned: () => this.#dispatcher.wake(),
      tidy: (task) => this.#tidy(task),
    });
  }

  /** Takes up what a hub before this one left. Until an agent attaches, its tasks wait. */
  start(): void {
    const { catalogue } = this.#parts;
    catalogue.transact(() => {
      for (const task of catalogue.tasks.atWork()) {
        if (task.state !== 'waiting') this.#dispatcher.suspend(task);
      }
    });
    const images = new Set(catalogue.jobs.unended().map((job) => job.imageId));
    for (const imageId of images) this.#planner.advance(imageId);
    this.#dispatcher.wake();
  }

  /** Stops handing out tasks. What runs at agents goes on; their reports wait for the next hub. */
  stop(): void {
    this.#dispatcher.stop();
    this.#pieces.stop();
  }

  /**
   * Queues a job that the rules have allowed. Must be called in the same transaction as
   * the rules were asked, through `Catalogue.transact`; `submitted` follows the commit.
   */
  submit(imageId: string, spec: JobSpec, who: Asked): Job {
    return this.#parts.catalogue.jobs.insert({ id: this.#parts.newId(), imageId, spec, ...who });
  }

  /** To be called once the transaction of `submit` is committed, or inside of it. */
  submitted(job: Job): void {
    this.#planner.advance(job.imageId);
  }

  /**
   * An operator is there with the rest of an upload that broke off: what waits for it begins soon. One that is tried
   * for the last time may break off again, and is kept again.
   */
  uploaderCame(jobId: string): void {
    const { catalogue, retry, now, random, onChange } = this.#parts;
    const task = catalogue.tasks.ofJob(jobId).find(brokeOff);
    // Asked at every change of the job, so without a transaction mostly.
    if (task === undefined) return;
    const { state, reason, attempt } = task;
    const delay = state === 'queued' ? delayMs(Math.min(attempt, UPLOAD_ATTEMPTS), retry, random) : 0;
    catalogue.transact(() => {
      catalogue.tasks.set(task.id, state, { failures: 0, notBeforeMs: now() + delay, reason });
      catalogue.afterCommit(() => {
        onChange(task.imageId);
        this.#dispatcher.wake();
      });
    });
  }

  /** Jobs or stores were paused or resumed, or jobs came into another lane: other tasks may be next now. */
  repaced(): void {
    this.#dispatcher.wake();
  }

  /**
   * Asks for a job's end. A queued one ends at once; a running one as soon as its agents
   * have put away what they were making. CONFLICT when it has ended or can no longer be
   * turned back.
   */
  cancel(jobId: string, requestedBy: string): Job {
    const { catalogue } = this.#parts;
    catalogue.transact(() => {
      const job = catalogue.jobs.get(jobId);
      requireCancellable(job, catalogue.images.get(job.imageId), catalogue.tasks.ofJob(jobId));
      catalogue.jobs.requestCancel(jobId, requestedBy);
      if (job.state === 'queued') {
        const reason = { code: 'CANCELLED', message: 'cancelled before it began' } as const;
        catalogue.jobs.setState(jobId, 'cancelled', reason);
      }
    });
    this.#planner.advance(catalogue.jobs.get(jobId).imageId);
    return catalogue.jobs.get(jobId);
  }

  /**
   * An agent attached and named the attempts it is at work on. Those go on; its other
   * tasks are handed out again. The hub must count the store as online by now.
   */
  attached(storeId: string, working: readonly TaskAttempt[]): void {
    const { catalogue, agents } = this.#parts;
    catalogue.transact(() => {
      for (const task of catalogue.tasks.unended(storeId)) {
        const same = working.some((one) => one.taskId === task.id && one.attempt === task.attempt);
        if (same && task.attempt > 0 && task.state !== 'queued') this.#dispatcher.adopt(task);
        else this.#dispatcher.requeue(task);
      }
      this.#resumeFrom(storeId);
    });
    // What was cancelled, or handed out anew, while it was away.
    for (const { taskId, attempt } of working) {
      const task = this.#current(storeId, taskId, attempt);
      if (task?.state !== 'running') agents.cancel(storeId, taskId, attempt);
    }
    this.#cameOrWent(catalogue.tasks.unended(storeId));
  }

  /** An agent is gone: what it was at work on waits for it, and room is made for others. */
  detached(storeId: string): void {
    const { catalogue } = this.#parts;
    catalogue.transact(() => {
      for (const task of catalogue.tasks.unended(storeId)) {
        if (task.state === 'assigned' || task.state === 'running') this.#dispatcher.suspend(task);
      }
    });
    this.#cameOrWent(catalogue.tasks.unended(storeId));
  }

  /**
   * A store is removed, as `requireStoreRemovable` allowed. Must be called in the same transaction,
   * through `Catalogue.transact`; `abandoned` follows the commit with what this returns.
   */
  abandon(storeId: string): readonly Task[] {
    return abandon(this.#parts.catalogue, storeId);
  }

  /** To be called once the transaction of `abandon` is committed. */
  abandoned(tasks: readonly Task[]): void {
    const images = new Set([...tasks.map(({ imageId }) => imageId), ...this.#imagesToDelete()]);
    for (const imageId of images) this.#planner.advance(imageId);
    this.#dispatcher.wake();
  }

  /** The source of these is back: a page of them after another, each in a turn of its own. In a transaction. */
  #resumeFrom(storeId: string, after = ''): void {
    const { catalogue, agents } = this.#parts;
    const page = catalogue.tasks.waitingFor(storeId, after, RESUMED_AT_ONCE);
    for (const task of page) {
      // One whose own site is away may be at work there.
      if (agents.isOnline(task.storeId)) this.#dispatcher.requeue(task);
    }
    this.#changed(page);
    const last = page.at(-1);
    if (last === undefined || page.length < RESUMED_AT_ONCE || !agents.isOnline(storeId)) return;
    this.#pieces.add(`line at ${storeId}`, () => this.#resumeFrom(storeId, last.id));
  }

  /** A site came or went, and tasks wait or are in line again. */
  #cameOrWent(tasks: readonly Task[]): void {
    // A delete takes the sites that answer first, so who answers changes its plan (R9).
    for (const imageId of this.#imagesToDelete()) this.#planner.advance(imageId);
    this.#changed(tasks);
  }

  /** Tasks wait, or are in line again, and some of them may be stopped by now that could not be before. */
  #changed(tasks: readonly Task[]): void {
    const { catalogue, onChange } = this.#parts;
    const images = new Map(tasks.map(({ jobId, imageId }) => [jobId, imageId]));
    for (const [jobId, imageId] of images) {
      if (mayStopTasks(catalogue.jobs.get(jobId))) this.#planner.advance(imageId);
      else catalogue.afterCommit(() => onChange(imageId));
    }
    catalogue.afterCommit(() => this.#dispatcher.wake());
  }

  #imagesToDelete(): readonly string[] {
    return this.#parts.catalogue.jobs.imagesToDelete();
  }

  /** The agent began an attempt. Old attempts, and other stores' tasks, are ignored. */
  began(storeId: string, { taskId, attempt }: TaskAttempt): void {
    const { catalogue } = this.#parts;
    const task = this.#current(storeId, taskId, attempt);
    if (task?.state !== 'assigned') return;
    catalogue.transact(() => catalogue.tasks.set(taskId, 'running'));
    catalogue.afterCommit(() => this.#parts.onChange(task.imageId));
  }

  /**
   * An attempt ended. When this returns, or the transaction this is called in is committed, the
   * report is on disk and the agent may forget it; a report with an old attempt number changes nothing.
   */
  ended(storeId: string, { taskId, attempt }: TaskAttempt, outcome: Outcome): void {
    const { catalogue } = this.#parts;
    const task = this.#current(storeId, taskId, attempt);
    if (task === undefined) {
      const known = catalogue.tasks.find(taskId);
      if (known?.storeId !== storeId) return;
      catalogue.transact(() => applyLate(catalogue, known, outcome));
      this.#tidy(known);
      return;
    }
    let told = outcome;
    let again = false;
    try {
      catalogue.transact(() => applyOutcome(catalogue, task, outcome));
    } catch (error) {
      // The report itself is not acceptable: the attempt failed.
      const { code, message } = Refusal.from(error);
      if (code === 'INTERNAL') this.#parts.onFault(error);
      told = { kind: 'failed', reason: { code, message }, traffic: outcome.traffic };
    }
    if (told.kind === 'failed') {
      const { reason } = told;
      again = catalogue.transact(() => applyFailure(this.#parts, task, reason));
    }
    catalogue.afterCommit(() => this.#parts.onAttemptEnd(task, told, again));
    this.#tidy(task);
    this.#goOn(task, told);
  }

  /** Plans what comes of an outcome, unless it is one of very many that nothing comes of. */
  #goOn({ jobId, imageId }: Task, outcome: Outcome): void {
    const { catalogue, onChange } = this.#parts;
    const isPlanned =
      outcome.kind === 'failed' ||
      !onlyWaits(catalogue.jobs.get(jobId)) ||
      !catalogue.tasks.hasUnended(jobId);
    if (isPlanned) {
      this.#planner.advance(imageId);
      return;
    }
    catalogue.afterCommit(() => {
      onChange(imageId);
      this.#dispatcher.wake();
    });
  }

  /** Where there is to be no copy, a partial image, or file in staging, that an attempt left is put away. */
  #tidy({ id, imageId, storeId }: Task): void {
    const { catalogue, agents } = this.#parts;
    if (catalogue.copies.find(imageId, storeId) !== undefined) return;
    const isStaged = catalogue.images.get(imageId).staged?.storeId === storeId;
    if (isStaged || !isTaskEnded(catalogue.tasks.get(id))) return;
    catalogue.afterCommit(() => agents.discard(storeId, [imageId]));
  }

  #current(storeId: string, taskId: string, attempt: number): Task | undefined {
    const task = this.#parts.catalogue.tasks.find(taskId);
    if (task === undefined || task.storeId !== storeId || task.attempt !== attempt) return undefined;
    return isTaskEnded(task) || task.state === 'queued' ? undefined : task;
  }
}
