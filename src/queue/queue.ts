import { isTaskEnded, type Job, type JobSpec, type Task } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import { requireCancellable } from '../domain/rules/index.ts';
import type { Outcome, TaskAttempt } from './agent-port.ts';
import { apart } from './apart.ts';
import { Dispatcher } from './dispatcher.ts';
import type { Asked, QueueParts } from './parts.ts';
import { type Effect, type JobView, plan } from './plan/index.ts';
import { abandon, applyFailure, applyLate, applyOutcome, giveUp } from './settle.ts';

/**
 * Durable jobs, one at a time per image in order of arrival (R5). Every change is one
 * transaction: what happened is applied, then the plan of the image's first job is
 * computed and applied until nothing is left to do now. Messages to agents go out after
 * the commit; a crash between the two is healed when the agent attaches again.
 */
export class Queue {
  readonly #parts: QueueParts;
  readonly #dispatcher: Dispatcher;
  readonly #apart = apart();
  /** Delete jobs whose sites are being asked about clones. */
  readonly #asking = new Set<string>();

  constructor(parts: QueueParts) {
    this.#parts = parts;
    this.#dispatcher = new Dispatcher(parts, (imageId) => this.#advance(imageId));
  }

  /** Takes up what a hub before this one left. Until an agent attaches, its tasks wait. */
  start(): void {
    const { catalogue } = this.#parts;
    catalogue.transact(() => {
      for (const task of catalogue.tasks.unended()) {
        if (task.state === 'assigned' || task.state === 'running') this.#dispatcher.suspend(task);
      }
    });
    const images = new Set(catalogue.jobs.unended().map((job) => job.imageId));
    for (const imageId of images) this.#advance(imageId);
    this.#dispatcher.wake();
  }

  /** Stops handing out tasks. What runs at agents goes on; their reports wait for the next hub. */
  stop(): void {
    this.#dispatcher.stop();
  }

  /**
   * Queues a job that the rules have allowed. Must be called in the same transaction as
   * the rules were asked, through `Catalogue.transact`; `submitted` follows the commit.
   */
  submit(imageId: string, spec: JobSpec, who: Asked): Job {
    return this.#parts.catalogue.jobs.insert({ id: this.#parts.newId(), imageId, spec, ...who });
  }

  /** To be called once the transaction of `submit` is committed. */
  submitted(job: Job): void {
    this.#parts.onChange(job.imageId);
    this.#advance(job.imageId);
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
    this.#advance(catalogue.jobs.get(jobId).imageId);
    return catalogue.jobs.get(jobId);
  }

  /**
   * An agent attached and named the attempts it is at work on. Those go on; its other
   * tasks are handed out again. The hub must count the store as online by now.
   */
  attached(storeId: string, working: readonly TaskAttempt[]): void {
    const { catalogue, agents } = this.#parts;
    catalogue.transact(() => {
      for (const task of catalogue.tasks.unended()) {
        if (task.storeId === storeId) {
          const same = working.some((one) => one.taskId === task.id && one.attempt === task.attempt);
          if (same && task.attempt > 0 && task.state !== 'queued') this.#dispatcher.adopt(task);
          else this.#dispatcher.requeue(task);
        } else if (task.sourceStoreId === storeId && task.state === 'waiting') {
          // One whose own site is away may be at work there.
          if (agents.isOnline(task.storeId)) this.#dispatcher.requeue(task);
        }
      }
    });
    // What was cancelled, or handed out anew, while it was away.
    for (const { taskId, attempt } of working) {
      const task = this.#current(storeId, taskId, attempt);
      if (task?.state !== 'running') agents.cancel(storeId, taskId, attempt);
    }
    this.#advanceWith(catalogue.tasks.unended(storeId));
  }

  /** An agent is gone: what it was at work on waits for it, and room is made for others. */
  detached(storeId: string): void {
    const { catalogue } = this.#parts;
    catalogue.transact(() => {
      for (const task of catalogue.tasks.unended(storeId)) {
        if (task.state === 'assigned' || task.state === 'running') this.#dispatcher.suspend(task);
      }
    });
    this.#advanceWith(catalogue.tasks.unended(storeId));
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
    this.#advanceWith(tasks);
  }

  #advanceWith(tasks: readonly Task[]): void {
    const { catalogue } = this.#parts;
    const images = new Set(tasks.map((task) => task.imageId));
    // A delete takes the sites that answer first, so who answers changes its plan (R9).
    for (const job of catalogue.jobs.unended()) if (job.spec.kind === 'delete') images.add(job.imageId);
    for (const imageId of images) this.#advance(imageId);
    this.#dispatcher.wake();
  }

  /** The agent began an attempt. Old attempts, and other stores' tasks, are ignored. */
  began(storeId: string, { taskId, attempt }: TaskAttempt): void {
    const { catalogue } = this.#parts;
    const task = this.#current(storeId, taskId, attempt);
    if (task?.state !== 'assigned') return;
    catalogue.transact(() => catalogue.tasks.set(taskId, 'running'));
    this.#parts.onChange(task.imageId);
  }

  /**
   * An attempt ended. When this returns, the report is on disk and the agent may forget it;
   * a report with an old attempt number changes nothing.
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
    this.#parts.onAttemptEnd(task, told, again);
    this.#tidy(task);
    this.#advance(task.imageId);
  }

  /** Where there is to be no copy, a partial image that an attempt left is put away. */
  #tidy({ imageId, storeId }: Task): void {
    const { catalogue, agents } = this.#parts;
    if (catalogue.copies.find(imageId, storeId) === undefined) agents.discard(storeId, [imageId]);
  }

  #current(storeId: string, taskId: string, attempt: number): Task | undefined {
    const task = this.#parts.catalogue.tasks.find(taskId);
    if (task === undefined || task.storeId !== storeId || task.attempt !== attempt) return undefined;
    return isTaskEnded(task) || task.state === 'queued' ? undefined : task;
  }

  /** Plans and applies until the image's first job has nothing to do now; then the next job, if it ended. */
  #advance(imageId: string, children?: ReadonlyMap<string, readonly string[]>): void {
    const { catalogue } = this.#parts;
    const after: (() => void)[] = [];
    const advance = () => {
      for (;;) {
        const view = this.#viewOfFirst(imageId, children);
        if (view === undefined) break;
        const moved = plan(view).map((effect) => this.#do(effect, view, after));
        if (!moved.includes(true)) break;
      }
    };
    this.#apart(() => {
      catalogue.transact(advance);
      for (const action of after) action();
      this.#parts.onChange(imageId);
      this.#dispatcher.wake();
    });
  }

  #viewOfFirst(imageId: string, children?: ReadonlyMap<string, readonly string[]>): JobView | undefined {
    const { catalogue, agents } = this.#parts;
    const view = catalogue.view(imageId);
    const [job] = view.jobs;
    if (job === undefined) return undefined;
    if (job.state === 'queued') catalogue.jobs.setState(job.id, 'running');
    const tasks = catalogue.tasks.ofJob(job.id);
    return { ...view, job, tasks, children, isOnline: (storeId) => agents.isOnline(storeId) };
  }

  /** True when planning again, at once, may find more to do. */
  #do(effect: Effect, view: JobView, after: (() => void)[]): boolean {
    const { catalogue, newId, agents } = this.#parts;
    const { job } = view;
    const imageId = job.imageId;
    switch (effect.do) {
      case 'add-task': {
        const { kind, storeId, sourceStoreId } = effect;
        catalogue.tasks.insert({ id: newId(), jobId: job.id, imageId, storeId, kind, sourceStoreId });
        catalogue.copies.set(imageId, storeId, kind === 'delete' ? 'deleting' : 'copying', { jobId: job.id });
        return false;
      }
      case 'stop-task': {
        const task = catalogue.tasks.get(effect.task.id);
        if (task.state === 'queued' || task.state === 'waiting') {
          giveUp(catalogue, task, { code: 'CANCELLED', message: 'cancelled' });
          after.push(() => this.#tidy(task));
          return true;
        }
        after.push(() => agents.cancel(task.storeId, task.id, task.attempt));
        return false;
      }
      case 'image': {
        const root = view.image.data?.root;
        catalogue.images.setStatus(imageId, effect.status, { jobId: job.id });
        if (effect.forgetData || effect.status === 'deleted') {
          catalogue.images.setData(imageId, undefined, { jobId: job.id });
        }
        if (root !== undefined && catalogue.images.get(imageId).data === undefined) {
          catalogue.manifests.dropUnused(root);
        }
        return true;
      }
      case 'release-copy': {
        const verifiedRoot = view.image.data?.root ?? '';
        catalogue.copies.set(imageId, effect.storeId, 'present', { verifiedRoot, jobId: job.id });
        return true;
      }
      case 'delete-copies':
        for (const { storeId } of view.copies) {
          catalogue.copies.set(imageId, storeId, 'deleting', { jobId: job.id });
        }
        return true;
      case 'ask-children':
        after.push(() => void this.#askChildren(view).catch(this.#parts.onFault));
        return false;
      case 'end':
        catalogue.jobs.setState(job.id, effect.state, effect.reason);
        return true;
    }
  }

  /** Asks every site that has the image and answers; one that does not is taken as away (R9). */
  async #askChildren({ image, copies, job }: JobView): Promise<void> {
    const { agents, catalogue } = this.#parts;
    if (this.#asking.has(job.id)) return;
    this.#asking.add(job.id);
    const sites = copies.map((copy) => copy.storeId).filter((storeId) => agents.isOnline(storeId));
    const answers = await Promise.all(
      sites.map(async (storeId) => {
        const names = await agents.askChildren(storeId, image.id).catch(() => [] as const);
        return [storeId, names] as const;
      }),
    );
    this.#asking.delete(job.id);
    const [first] = catalogue.jobs.unendedOfImage(image.id);
    if (first?.id === job.id) this.#advance(image.id, new Map(answers));
  }
}
