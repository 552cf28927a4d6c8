import type { LineTask } from '../catalogue/task-line.ts';
import type { Task } from '../domain/job.ts';
import { LANES } from '../domain/lane.ts';
import { pausedStoreOf, pausedStores } from '../domain/rules/index.ts';
import { apart } from './apart.ts';
import type { QueueParts } from './parts.ts';
import { Room } from './room.ts';

/** Longest sleep between two looks at the clock: setTimeout overflows beyond 24.8 days. */
const LONGEST_SLEEP_MS = 3_600_000;

/** Until tasks are looked at again that could not be handed out for a fault of ours, as when the disk is full. */
const FAULT_PAUSE_MS = 10_000;

/** Tasks whose site is away that are looked after at once: a job may have a thousand. */
const ABSENT_LIMIT = 256;

/** Tasks handed out at once, each with a ticket to be signed: others wait for the event loop meanwhile. */
const HANDED_OUT_LIMIT = 64;

/**
 * Hands queued tasks to agents, as wide as configured: lane by lane, each in order of arrival. What is
 * paused is left out. Nothing of it is kept here: what there is to do, and what is at work, is in the
 * catalogue, and forgetting all of this loses nothing.
 */
export class Dispatcher {
  readonly #parts: QueueParts;
  readonly #onLeft: (tasks: readonly Task[]) => void;
  readonly #apart = apart();
  #isAboutToLook = false;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param onLeft told of tasks that were left waiting, their site being away. In a transaction */
  constructor(parts: QueueParts, onLeft: (tasks: readonly Task[]) => void) {
    this.#parts = parts;
    this.#onLeft = onLeft;
  }

  /** Looks for tasks whose time has come, soon and once, however often this is called until then. */
  wake(): void {
    if (this.#stopped || this.#isAboutToLook) return;
    this.#isAboutToLook = true;
    void this.#apart(() => this.#look());
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Its site is away: the task waits there, and its attempt may still be at work. In a transaction. */
  suspend(task: Task): void {
    this.#parts.catalogue.tasks.set(task.id, 'waiting', { reason: away(task.storeId) });
  }

  /** Back in line, at once: being away is no failure. In a transaction. */
  requeue(task: Task): void {
    if (task.state !== 'queued') this.#parts.catalogue.tasks.set(task.id, 'queued', { reason: task.reason });
  }

  /** An attempt that went on while we did not see it. In a transaction. */
  adopt(task: Task): void {
    this.#parts.catalogue.tasks.set(task.id, 'running');
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { catalogue, onFault } = this.#parts;
    try {
      await catalogue.transactSoon(() => this.#handOutAll());
    } catch (error) {
      this.#isAboutToLook = false;
      if (this.#stopped) return;
      onFault(error);
      this.#wakeIn(FAULT_PAUSE_MS);
    }
  }

  /** In a transaction. */
  #handOutAll(): void {
    this.#isAboutToLook = false;
    if (this.#stopped) return;
    // One look at the clock for both: what came due between two would neither be handed out nor slept for.
    const nowMs = this.#parts.now();
    const { handOut, absent } = this.#due(nowMs);
    if (absent.length > 0) this.#leaveWaiting(absent);
    for (const taskId of handOut) this.#handOut(taskId);
    this.#sleep(nowMs);
    // There may be more of them.
    if (absent.length === ABSENT_LIMIT || handOut.length === HANDED_OUT_LIMIT) this.wake();
  }

  /** Tasks whose time has come: those that there is room for now, and those with a site that is away. */
  #due(nowMs: number): { readonly handOut: string[]; readonly absent: string[] } {
    const { catalogue, widths } = this.#parts;
    const paused = pausedStores(catalogue.stores.all());
    const isHeld = (task: LineTask) => pausedStoreOf(task, paused) !== undefined;
    const atWork = catalogue.line.atWork().map((task) => ({ ...task, held: task.paused || isHeld(task) }));
    const room = new Room(widths, atWork);
    const handOut: string[] = [];
    const absent: string[] = [];
    for (const lane of LANES) {
      for (const task of room.isFull(lane) ? [] : catalogue.line.due(lane, nowMs)) {
        if (this.#absentSite(task) !== undefined) absent.push(task.id);
        else if (!isHeld(task) && room.take({ ...task, lane, held: false })) handOut.push(task.id);
        if (room.isFull(lane) || absent.length >= ABSENT_LIMIT || handOut.length >= HANDED_OUT_LIMIT) break;
      }
    }
    return { handOut, absent };
  }

  #leaveWaiting(taskIds: readonly string[]): void {
    const { catalogue } = this.#parts;
    const tasks = taskIds.map((id) => catalogue.tasks.get(id));
    for (const task of tasks) {
      catalogue.tasks.set(task.id, 'waiting', { reason: away(this.#absentSite(task) ?? task.storeId) });
    }
    this.#onLeft(tasks);
  }

  /** Wakes when the next task is due that waits for its time. */
  #sleep(nowMs: number): void {
    const { catalogue, now } = this.#parts;
    clearTimeout(this.#timer);
    const dueMs = catalogue.line.nextDueMs(nowMs);
    if (dueMs !== undefined) this.#wakeIn(Math.min(LONGEST_SLEEP_MS, dueMs - now()));
  }

  #wakeIn(sleepMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.wake(), sleepMs).unref();
  }

  /** Gives the task its next attempt and sends it out, unless there is no need for one any more. */
  #handOut(taskId: string): void {
    const { catalogue, agents, onChange } = this.#parts;
    const task = catalogue.tasks.get(taskId);
    // Looking after those with a site that is away may have ended it, or sent its own site away.
    if (this.#stopped || task.state !== 'queued' || this.#absentSite(task) !== undefined) return;
    const attempt = task.attempt + 1;
    catalogue.tasks.set(taskId, 'assigned', { attempt, reason: task.reason });
    const job = catalogue.jobs.get(task.jobId);
    const image = catalogue.images.get(task.imageId);
    const sourceUri = task.kind === 'ingest' ? catalogue.jobs.sourceUri(job.id) : undefined;
    catalogue.afterCommit(() => {
      agents.assign(task.storeId, { task, attempt, job, image, sourceUri });
      onChange(task.imageId);
    });
  }

  /** The site of the task, or the one it copies from. */
  #absentSite({ storeId: own, sourceStoreId }: Pick<Task, 'storeId' | 'sourceStoreId'>): string | undefined {
    const sites = sourceStoreId === undefined ? [own] : [own, sourceStoreId];
    return sites.find((storeId) => !this.#parts.agents.isOnline(storeId));
  }
}

function away(storeId: string) {
  return {
    code: 'UNAVAILABLE',
    message: `store ${storeId} is away: goes on when its agent is back`,
  } as const;
}
