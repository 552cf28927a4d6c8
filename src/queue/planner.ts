import type { Task } from '../domain/job.ts';
import { apart } from './apart.ts';
import type { QueueParts } from './parts.ts';
import type { Pieces } from './pieces.ts';
import { type Effect, type JobView, plan } from './plan/index.ts';
import { giveUp } from './settle.ts';

/** Tasks made, or given up, in one go: a job may have a thousand, and others wait for the event loop meanwhile. */
const TASKS_AT_ONCE = 128;

export interface PlannerEvents {
  /** After the commit of what was planned: there may be tasks to hand out. */
  readonly onPlanned: () => void;
  /** A task was given up: what it may have left is put away. In a transaction. */
  readonly tidy: (task: Task) => void;
}

/** Computes the plan of an image's first job, and applies it, until nothing is left to do now. */
export class Planner {
  readonly #parts: QueueParts;
  readonly #events: PlannerEvents;
  readonly #pieces: Pieces;
  readonly #apart = apart();
  /** Delete jobs whose sites are being asked about clones. */
  readonly #asking = new Set<string>();

  constructor(parts: QueueParts, pieces: Pieces, events: PlannerEvents) {
    this.#parts = parts;
    this.#pieces = pieces;
    this.#events = events;
  }

  /**
   * As one transaction, but for what is too much for one, which follows soon; when the image's first job
   * ends, the next one is begun.
   */
  advance(imageId: string, children?: ReadonlyMap<string, readonly string[]>): void {
    const { catalogue, onChange } = this.#parts;
    this.#apart(() =>
      catalogue.transact(() => {
        const isAll = this.#applyAll(imageId, children);
        if (!isAll) this.#pieces.add(`plan of ${imageId}`, () => this.advance(imageId));
        catalogue.afterCommit(() => {
          onChange(imageId);
          this.#events.onPlanned();
        });
      }),
    );
  }

  /** False when there is more to do than goes in one go. */
  #applyAll(imageId: string, children: ReadonlyMap<string, readonly string[]> | undefined): boolean {
    for (let changed = 0; ; ) {
      const view = this.#viewOfFirst(imageId, children);
      if (view === undefined) return true;
      let isMoved = false;
      for (const effect of plan(view)) {
        if (changed >= TASKS_AT_ONCE) return false;
        const { changes, again } = this.#apply(effect, view);
        if (changes) changed++;
        if (again) isMoved = true;
      }
      if (!isMoved) return true;
    }
  }

  #viewOfFirst(
    imageId: string,
    children: ReadonlyMap<string, readonly string[]> | undefined,
  ): JobView | undefined {
    const { catalogue, agents } = this.#parts;
    const [job] = catalogue.jobs.unendedOfImage(imageId);
    if (job === undefined) return undefined;
    if (job.state === 'queued') catalogue.jobs.setState(job.id, 'running');
    const tasks = catalogue.tasks.ofJob(job.id);
    const isOnline = (storeId: string) => agents.isOnline(storeId);
    return { ...catalogue.view(imageId), job, tasks, children, isOnline };
  }

  /** `changes`: a task or a copy. `again`: planning again, at once, may find more to do. */
  #apply(effect: Effect, view: JobView): { readonly changes: boolean; readonly again: boolean } {
    const { catalogue, newId, agents } = this.#parts;
    const { job } = view;
    const { imageId } = job;
    switch (effect.do) {
      case 'add-task': {
        const { kind, storeId, sourceStoreId } = effect;
        catalogue.tasks.insert({ id: newId(), jobId: job.id, imageId, storeId, kind, sourceStoreId });
        if (kind !== 'stage') {
          const state = kind === 'delete' ? 'deleting' : 'copying';
          catalogue.copies.set(imageId, storeId, state, { jobId: job.id });
        }
        return { changes: true, again: false };
      }
      case 'stop-task': {
        const task = catalogue.tasks.get(effect.task.id);
        if (task.state === 'queued' || task.state === 'waiting') {
          giveUp(catalogue, task, { code: 'CANCELLED', message: 'cancelled' });
          this.#events.tidy(task);
          return { changes: true, again: true };
        }
        catalogue.afterCommit(() => agents.cancel(task.storeId, task.id, task.attempt));
        return { changes: false, again: false };
      }
      case 'image': {
        const root = view.image.data?.root;
        const { staged } = view.image;
        catalogue.images.setStatus(imageId, effect.status, { jobId: job.id });
        if (effect.forgetData && root !== undefined && job.spec.kind === 'import' && job.spec.before) {
          catalogue.images.takeFormatBack(imageId, job.spec.before);
        }
        if (effect.forgetData || effect.status === 'deleted') {
          catalogue.images.setData(imageId, undefined, { jobId: job.id });
          if (staged) catalogue.afterCommit(() => agents.discard(staged.storeId, [imageId]));
        }
        if (root !== undefined && catalogue.images.get(imageId).data === undefined) {
          catalogue.manifests.dropUnused(root);
        }
        return { changes: false, again: true };
      }
      case 'release-copy': {
        const verifiedRoot = view.image.data?.root ?? '';
        catalogue.copies.set(imageId, effect.storeId, 'present', { verifiedRoot, jobId: job.id });
        return { changes: false, again: true };
      }
      case 'forget-copy':
        catalogue.copies.set(imageId, effect.storeId, 'absent', { jobId: job.id });
        // What is whole there stays: only what was never finished is put away.
        catalogue.afterCommit(() => agents.discard(effect.storeId, [imageId]));
        return { changes: false, again: true };
      case 'delete-copies':
        for (const { storeId } of view.copies) {
          catalogue.copies.set(imageId, storeId, 'deleting', { jobId: job.id });
        }
        return { changes: false, again: true };
      case 'ask-children':
        catalogue.afterCommit(() => void this.#askChildren(view).catch(this.#parts.onFault));
        return { changes: false, again: false };
      case 'end':
        catalogue.jobs.setState(job.id, effect.state, effect.reason);
        return { changes: false, again: true };
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
    if (first?.id === job.id) this.advance(image.id, new Map(answers));
  }
}
