import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Catalogue } from '../../../src/catalogue/catalogue.ts';
import { isEnded, type Job } from '../../../src/domain/job.ts';
import type { Lane } from '../../../src/domain/lane.ts';
import {
  type CopyRequest,
  centralOf,
  decideCopy,
  heldBy,
  locationsOf,
  pausedStores,
  requireCopyDeletable,
  requireImageDeletable,
  requirePaceable,
  requireStoreRemovable,
} from '../../../src/domain/rules/index.ts';
import { reconcile } from '../../../src/hub/reconcile.ts';
import type { Assignment } from '../../../src/queue/agent-port.ts';
import type { Widths } from '../../../src/queue/parts.ts';
import { type JobView, plan } from '../../../src/queue/plan/index.ts';
import { Queue } from '../../../src/queue/queue.ts';
import { dataOf, FakeSites } from './fake-sites.ts';

export const STORE_IDS = ['central', 'dcn0', 'dcn1'];
/** Until an upload that broke off is given up. */
export const UPLOAD_KEEP_MS = 60_000;
const WHO = { requestedBy: 'ada', requestId: 'r' };

/** A hub on a real database file, with sites that do as they are told, and a clock that stands still. */
export class World implements Disposable {
  readonly sites = new FakeSites(STORE_IDS);
  readonly imageIds: string[] = [];
  nowMs = 1_000_000;
  catalogue: Catalogue;
  queue: Queue;
  readonly faults: unknown[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'entrepot-queue-'));
  #ids = 0;
  readonly #widths: Widths;

  constructor(images = 1, widths: Widths = { perStore: 1, overall: 3 }) {
    this.#widths = widths;
    this.catalogue = this.#open();
    this.catalogue.transact(() => {
      for (const id of STORE_IDS) this.catalogue.stores.add(id, id === 'central' ? 'central' : 'edge');
      for (let n = 0; n < images; n++) this.#addImage();
    });
    this.queue = this.#startQueue();
    this.sites.onAssign = (assignment) => this.#checkAssigned(assignment);
  }

  #addImage(): void {
    const id = this.#newId();
    this.imageIds.push(id);
    this.catalogue.images.insert(
      id,
      {
        name: 'n',
        visibility: 'private',
        owner: 'ada',
        protected: false,
        osHidden: false,
        diskFormat: 'raw',
        containerFormat: 'bare',
        minDiskGib: 0,
        minRamMib: 0,
        tags: [],
        properties: {},
      },
      'r',
    );
  }

  /** As after an import at central. */
  fill(imageId: string, ...storeIds: string[]): void {
    this.catalogue.transact(() => {
      this.catalogue.manifests.put(dataOf(imageId).root, Buffer.from('manifest'));
      this.catalogue.images.setStatus(imageId, 'importing', {});
      this.catalogue.images.setData(imageId, dataOf(imageId));
      this.catalogue.images.setStatus(imageId, 'active', {});
      for (const storeId of ['central', ...storeIds]) {
        this.catalogue.copies.set(imageId, storeId, 'copying');
        this.catalogue.copies.set(imageId, storeId, 'present', { verifiedRoot: dataOf(imageId).root });
        this.sites.site(storeId).disk.set(imageId, 'whole');
      }
    });
  }

  import(
    imageId: string,
    entryStoreId: string,
    storeIds: string[],
    allMustSucceed: boolean,
  ): Job | undefined {
    return this.#request(() => {
      const { image, jobs } = this.catalogue.view(imageId);
      if (image.status !== 'queued' || jobs.length > 0) return undefined;
      // The real hub has the manifest from the agent before the agent's report.
      this.catalogue.manifests.put(dataOf(imageId).root, Buffer.from('manifest'));
      const spec = {
        kind: 'import',
        source: { method: 'upload' },
        entryStoreId,
        sizeBytes: 4096,
        storeIds,
        allMustSucceed,
      } as const;
      return this.queue.submit(imageId, spec, WHO);
    });
  }

  copy(imageId: string, request: CopyRequest, lane: Lane = 'normal'): Job | undefined {
    return this.#request(() => {
      const decision = decideCopy(request, this.catalogue.view(imageId));
      if (decision.do === 'nothing') return undefined;
      const joined = decision.do === 'join' ? decision.job : undefined;
      this.catalogue.jobs.raise(imageId, lane, joined);
      return decision.do === 'queue' ? this.queue.submit(imageId, decision.spec, { ...WHO, lane }) : joined;
    });
  }

  /** As the hub does. */
  pauseJob(job: Job, isPaused: boolean): void {
    const { jobs } = this.catalogue;
    this.catalogue.transact(() => {
      requirePaceable(jobs.get(job.id));
      if (isPaused) jobs.pause(job.id);
      else jobs.resume(job.id);
    });
    this.queue.repaced();
  }

  pauseStore(storeId: string, isPaused: boolean): void {
    const { stores } = this.catalogue;
    this.catalogue.transact(() => (isPaused ? stores.pause(storeId) : stores.resume(storeId)));
    this.queue.repaced();
  }

  deleteCopy(imageId: string, storeId: string): Job | undefined {
    return this.#request(() => {
      requireCopyDeletable(storeId, this.catalogue.view(imageId));
      return this.queue.submit(imageId, { kind: 'delete-copy', storeId }, WHO);
    });
  }

  deleteImage(imageId: string): Job | undefined {
    return this.#request(() => {
      requireImageDeletable(this.catalogue.view(imageId));
      return this.queue.submit(imageId, { kind: 'delete' }, WHO);
    });
  }

  #request(work: () => Job | undefined): Job | undefined {
    const job = this.catalogue.transact(work);
    if (job !== undefined) this.queue.submitted(job);
    return job;
  }

  attach(storeId: string): void {
    // The hub lets no agent in of a store that is revoked, or that it does not know.
    if (this.sites.site(storeId).attached || this.catalogue.stores.find(storeId)?.revoked !== false) return;
    const working = this.sites.attach(storeId);
    const { leftovers } = reconcile(this.catalogue, storeId, this.sites.inventory(storeId));
    this.sites.discard(storeId, leftovers);
    this.queue.attached(storeId, working);
    this.sites.report(storeId);
  }

  /** As the hub does: its agent is cut off. */
  revoke(storeId: string): void {
    this.catalogue.transact(() => this.catalogue.stores.revoke(storeId));
    if (this.sites.isOnline(storeId)) this.detach(storeId, false);
  }

  /** Its agent has joined anew. */
  admit(storeId: string): void {
    this.catalogue.transact(() => this.catalogue.stores.admit(storeId));
  }

  /** As the hub does it, with the copies orphaned or not. */
  removeStore(storeId: string, orphanCopies: boolean): void {
    const { stores, copies } = this.catalogue;
    const ended = this.catalogue.transact(() => {
      requireStoreRemovable(stores.get(storeId), this.catalogue.usesOf(storeId), orphanCopies);
      const abandoned = this.queue.abandon(storeId);
      copies.forget(storeId);
      stores.remove(storeId);
      return abandoned;
    });
    this.queue.abandoned(ended);
    if (this.sites.isOnline(storeId)) this.detach(storeId, false);
  }

  /** The store is removed and added again: with an empty pool, or with its old agent and what that has. */
  readd(storeId: string, isEmpty: boolean): void {
    this.removeStore(storeId, true);
    if (isEmpty) this.sites.replace(storeId);
    this.catalogue.transact(() => this.catalogue.stores.add(storeId, 'edge'));
  }

  detach(storeId: string, killed: boolean): void {
    if (killed) this.sites.kill(storeId);
    else this.sites.site(storeId).attached = false;
    this.queue.detached(storeId);
  }

  /** SIGKILL of the hub and a new one on the same file; agents come back by `attach`. */
  restartHub(): void {
    for (const site of this.sites.sites.values()) site.attached = false;
    this.queue.stop();
    this.catalogue[Symbol.dispose]();
    this.catalogue = this.#open();
    this.queue = this.#startQueue();
  }

  /** Time passes. What the queue's timer would do, an agent that comes back does as well. */
  pass(ms: number): void {
    this.nowMs += ms;
    if (!this.sites.isOnline('dcn1')) return;
    this.detach('dcn1', false);
    this.attach('dcn1');
  }

  /** Lets promises of the queue go on. */
  async settle(): Promise<void> {
    for (let n = 0; n < 3; n++) await turn();
  }

  job(id: string): Job {
    return this.catalogue.jobs.get(id);
  }

  copies(imageId: string): string {
    return this.catalogue.copies
      .ofImage(imageId)
      .map((copy) => `${copy.storeId}=${copy.state}`)
      .join(' ');
  }

  /** What must hold after every step, whatever happened. */
  check(): void {
    for (const imageId of this.imageIds) {
      const view = this.catalogue.view(imageId);
      const unended = this.catalogue.tasks.unended().filter((task) => task.imageId === imageId);
      const [first] = view.jobs;
      if (first !== undefined) this.#checkPlanned({ ...view, job: first });
      for (const task of unended) {
        if (task.jobId !== first?.id) throw new Error(`R5: task ${task.kind} of a job that is not the first`);
      }
      if (view.jobs.filter((job) => job.state === 'running').length > 1)
        throw new Error('R5: two jobs at work');
      const present = view.copies.filter((copy) => copy.state === 'present').map((copy) => copy.storeId);
      for (const storeId of present) {
        const on = this.sites.site(storeId).disk.get(imageId);
        if (on !== 'whole')
          throw new Error(`R6: present at ${storeId}, where the disk has ${on ?? 'nothing'}`);
      }
      for (const { storeId } of locationsOf(view)) {
        if (!present.includes(storeId)) throw new Error(`R6: location at ${storeId} without a copy`);
      }
      const central = centralOf(view.stores).id;
      if (present.length > 0 && !present.includes(central))
        throw new Error('R2: an edge copy without a central one');
      if (view.image.status === 'active' && !present.includes(central))
        throw new Error('active without central');
    }
    for (const task of this.catalogue.tasks.unended()) {
      if (this.catalogue.stores.find(task.storeId) === undefined) {
        throw new Error(`task ${task.kind} at ${task.storeId}, which is removed`);
      }
    }
    if (this.faults.length > 0) throw this.faults[0];
  }

  /** Whatever the plan of an image's first job says by now is done: nothing waits that nobody will look at. */
  #checkPlanned(view: Omit<JobView, 'tasks' | 'isOnline'>): void {
    const tasks = this.catalogue.tasks.ofJob(view.job.id);
    const isOnline = (storeId: string) => this.sites.isOnline(storeId);
    const missed = plan({ ...view, tasks, isOnline }).filter((effect) => {
      const isAsked = effect.do === 'stop-task' && ['assigned', 'running'].includes(effect.task.state);
      return !isAsked && effect.do !== 'ask-children';
    });
    if (missed.length > 0) throw new Error(`not planned: ${missed.map((effect) => effect.do).join()}`);
  }

  /** What is paused is not begun. */
  #checkAssigned({ task, job }: Assignment): void {
    const { stores } = this.catalogue;
    const held = heldBy(task, job, pausedStores(stores.all()));
    if (held !== undefined) this.faults.push(new Error(`${task.kind} at ${task.storeId}, while ${held}`));
  }

  get unendedJobs(): Job[] {
    return this.catalogue.jobs.page({ all: true, limit: 1000 }).filter((job) => !isEnded(job));
  }

  #open(): Catalogue {
    return Catalogue.open(join(this.#folder, 'catalogue.sqlite'), () => this.nowMs);
  }

  #startQueue(): Queue {
    const queue = new Queue({
      catalogue: this.catalogue,
      agents: this.sites,
      widths: this.#widths,
      retry: { maxAttempts: 3, firstDelayMs: 1000, maxDelayMs: 8000, uploadKeepMs: UPLOAD_KEEP_MS },
      newId: () => this.#newId(),
      now: () => this.nowMs,
      random: () => 1,
      onChange: () => undefined,
      onAttemptEnd: () => undefined,
      onFault: (error) => this.faults.push(error),
    });
    this.sites.queue = queue;
    queue.start();
    return queue;
  }

  #newId(): string {
    return `00000000-0000-4000-8000-${String(++this.#ids).padStart(12, '0')}`;
  }

  [Symbol.dispose](): void {
    this.queue.stop();
    this.catalogue[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
