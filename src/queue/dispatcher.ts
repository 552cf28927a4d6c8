import PQueue from 'p-queue';
import { isTaskEnded, type Task } from '../domain/job.ts';
import { apart } from './apart.ts';
import type { QueueParts } from './parts.ts';

/** Longest sleep between two looks at the clock: setTimeout overflows beyond 24.8 days. */
const LONGEST_SLEEP_MS = 3_600_000;

/** Until tasks are looked at again that could not be handed out for a fault of ours, as when the disk is full. */
const FAULT_PAUSE_MS = 10_000;

/**
 * Hands queued tasks to agents, as wide as configured. Only the running part is here: what
 * there is to do is in the catalogue, and forgetting all of this loses nothing.
 */
export class Dispatcher {
  readonly #parts: QueueParts;
  readonly #onChange: (imageId: string) => void;
  readonly #apart = apart();
  readonly #overall: PQueue;
  readonly #perStore = new Map<string, PQueue>();
  /** Tasks in line for a slot or holding one; the function gives the slot back. */
  readonly #slots = new Map<string, { settle: () => void }>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: QueueParts, onChange: (imageId: string) => void) {
    this.#parts = parts;
    this.#onChange = onChange;
    this.#overall = new PQueue({ concurrency: parts.widths.overall });
  }

  /** Looks for tasks whose time has come. Cheap to call too often. */
  wake(): void {
    if (!this.#stopped) this.#apart(() => this.#look());
  }

  #look(): void {
    const { catalogue, now } = this.#parts;
    let next = Number.POSITIVE_INFINITY;
    for (const task of catalogue.tasks.unended()) {
      if (task.state !== 'queued' || this.#slots.has(task.id)) continue;
      if (task.notBeforeMs > now()) next = Math.min(next, task.notBeforeMs);
      else this.#line(task, () => this.#handOut(task.id));
    }
    clearTimeout(this.#timer);
    if (next < Number.POSITIVE_INFINITY) {
      this.#wakeIn(Math.min(LONGEST_SLEEP_MS, Math.max(1, next - now())));
    }
  }

  #wakeIn(sleepMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      try {
        this.wake();
      } catch (error) {
        this.#fault(error);
      }
    }, sleepMs).unref();
  }

  #fault(error: unknown): void {
    this.#parts.onFault(error);
    this.#wakeIn(FAULT_PAUSE_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const queue of [this.#overall, ...this.#perStore.values()]) queue.clear();
    for (const { settle } of this.#slots.values()) settle();
    this.#slots.clear();
  }

  /** The attempt is over, whatever came of it: its slot is free. */
  settle(taskId: string): void {
    this.#slots.get(taskId)?.settle();
    this.#slots.delete(taskId);
  }

  /** Its site is away: the task waits there, and its attempt may still be at work. In a transaction. */
  suspend(task: Task): void {
    this.#parts.catalogue.tasks.set(task.id, 'waiting', { reason: away(task.storeId) });
    this.settle(task.id);
  }

  /** Back in line, at once: being away is no failure. In a transaction. */
  requeue(task: Task): void {
    this.settle(task.id);
    if (task.state !== 'queued') this.#parts.catalogue.tasks.set(task.id, 'queued', { reason: task.reason });
  }

  /** An attempt that went on while we did not see it. In a transaction. */
  adopt(task: Task): void {
    this.#parts.catalogue.tasks.set(task.id, 'running');
    this.settle(task.id);
    this.#line(task, () => true);
  }

  /** Waits for a slot; then `begin` says whether there is an attempt to hold it for. */
  #line(task: Task, begin: () => boolean): void {
    const over = Promise.withResolvers<void>();
    const slot = { settle: over.resolve };
    this.#slots.set(task.id, slot);
    const hold = async () => {
      if (!begin()) this.settle(task.id);
      await over.promise;
    };
    const run = () => this.#overall.add(hold);
    this.#apart(() => {
      this.#storeQueue(task.storeId)
        .add(run)
        .catch((error: unknown) => {
          // Clearing the queues rejects what was in line.
          if (this.#stopped) return;
          if (this.#slots.get(task.id) === slot) this.settle(task.id);
          this.#fault(error);
        });
    });
  }

  #storeQueue(storeId: string): PQueue {
    const known = this.#perStore.get(storeId);
    if (known !== undefined) return known;
    const queue = new PQueue({ concurrency: this.#parts.widths.perStore });
    this.#perStore.set(storeId, queue);
    return queue;
  }

  /** Gives the task its next attempt and sends it out. False when there is nothing to hold a slot for. */
  #handOut(taskId: string): boolean {
    const { catalogue, agents, now } = this.#parts;
    if (this.#stopped) return false;
    const task = catalogue.tasks.get(taskId);
    if (isTaskEnded(task) || task.state !== 'queued' || task.notBeforeMs > now()) return false;
    const absent = this.#absentSite(task);
    if (absent !== undefined) {
      catalogue.transact(() => catalogue.tasks.set(taskId, 'waiting', { reason: away(absent) }));
      this.#onChange(task.imageId);
      return false;
    }
    const attempt = task.attempt + 1;
    catalogue.transact(() => catalogue.tasks.set(taskId, 'assigned', { attempt, reason: task.reason }));
    const job = catalogue.jobs.get(task.jobId);
    const image = catalogue.images.get(task.imageId);
    agents.assign(task.storeId, { task, attempt, job, image });
    this.#parts.onChange(task.imageId);
    return true;
  }

  /** The site of the task, or the one it copies from. */
  #absentSite(task: Task): string | undefined {
    const sites = task.sourceStoreId === undefined ? [task.storeId] : [task.storeId, task.sourceStoreId];
    return sites.find((storeId) => !this.#parts.agents.isOnline(storeId));
  }
}

function away(storeId: string) {
  return {
    code: 'UNAVAILABLE',
    message: `store ${storeId} is away: goes on when its agent is back`,
  } as const;
}
