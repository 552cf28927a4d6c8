import type { ImageData } from '../../../src/domain/image.ts';
import { NO_TRAFFIC } from '../../../src/domain/job.ts';
import type { RefusalCode } from '../../../src/domain/refusal.ts';
import type { AgentPort, Assignment, Outcome, TaskAttempt } from '../../../src/queue/agent-port.ts';
import type { Queue } from '../../../src/queue/queue.ts';
import type { StoredImage } from '../../../src/store/store.ts';

export const TRAFFIC = NO_TRAFFIC;

/** The data every upload of an image turns out to be. */
export function dataOf(imageId: string): ImageData {
  const root = imageId.replaceAll('-', '').padEnd(64, '0');
  return {
    sizeBytes: 4096,
    virtualSizeBytes: 4096,
    dataBytes: 4096,
    checksum: '0'.repeat(32),
    osHashAlgo: 'sha512',
    osHashValue: '0'.repeat(128),
    root,
  };
}

interface Attempt {
  readonly assignment: Assignment;
  /** The hub asked for its end; 'sent' until the agent comes to read it. */
  cancelled: 'no' | 'sent' | 'read';
}

/** One site as the queue can see it: what lies on its disk survives, the agent's memory does not. */
class FakeSite {
  readonly storeId: string;
  readonly disk = new Map<string, 'whole' | 'partial'>();
  readonly clones = new Map<string, string[]>();
  /** Attempts at work in the agent's memory. */
  readonly working = new Map<string, Attempt>();
  /** Results the hub has not said it keeps. */
  readonly unkept = new Map<string, { attempt: number; outcome: Outcome }>();
  attached = false;

  constructor(storeId: string) {
    this.storeId = storeId;
  }
}

/**
 * Agents without a network: they keep the protocol of the real ones (attempt numbers,
 * results repeated until kept, cancel puts away) and do only what a test tells them to.
 */
export class FakeSites implements AgentPort {
  readonly sites: Map<string, FakeSite>;
  /** The hub that is up; undefined while it is down. */
  queue: Queue | undefined;
  /** Looks at whatever is handed out. */
  onAssign: (assignment: Assignment) => void = () => undefined;

  constructor(storeIds: readonly string[]) {
    this.sites = new Map(storeIds.map((id) => [id, new FakeSite(id)]));
  }

  site(storeId: string): FakeSite {
    const site = this.sites.get(storeId);
    if (site === undefined) throw new Error(`no site ${storeId}`);
    return site;
  }

  isOnline(storeId: string): boolean {
    return this.site(storeId).attached;
  }

  assign(storeId: string, assignment: Assignment): void {
    this.onAssign(assignment);
    const site = this.site(storeId);
    if (!site.attached) return;
    const { id } = assignment.task;
    const before = site.working.get(id);
    if (before !== undefined && before.assignment.attempt >= assignment.attempt) return;
    site.working.set(id, { assignment, cancelled: 'no' });
  }

  cancel(storeId: string, taskId: string, attempt: number): void {
    const work = this.site(storeId).working.get(taskId);
    if (work?.assignment.attempt === attempt) work.cancelled = 'sent';
  }

  discard(storeId: string, imageIds: readonly string[]): void {
    const site = this.site(storeId);
    for (const id of imageIds) {
      const used = [...site.working.values()].some((work) => work.assignment.image.id === id);
      if (!used && site.disk.get(id) === 'partial') site.disk.delete(id);
    }
  }

  async askChildren(storeId: string, imageId: string): Promise<readonly string[]> {
    return this.site(storeId).clones.get(imageId) ?? [];
  }

  inventory(storeId: string): StoredImage[] {
    return [...this.site(storeId).disk].map(([imageId, form]) => ({ imageId, form, sizeBytes: 4096 }));
  }

  attach(storeId: string): TaskAttempt[] {
    const site = this.site(storeId);
    site.attached = true;
    const working = [...site.working.values()].map(({ assignment }) => ({
      taskId: assignment.task.id,
      attempt: assignment.attempt,
    }));
    const done = [...site.unkept].map(([taskId, { attempt }]) => ({ taskId, attempt }));
    return [...working, ...done];
  }

  /** The agent dies: what it had in memory is gone, its disk is not. */
  kill(storeId: string): void {
    const site = this.site(storeId);
    site.attached = false;
    site.working.clear();
    site.unkept.clear();
  }

  /** A site with an empty pool in the place of one that is gone. */
  replace(storeId: string): void {
    this.sites.set(storeId, new FakeSite(storeId));
  }

  /** The agent does one step of one attempt it has, if any: writes something. */
  begin(storeId: string, pick: number): void {
    const work = this.#pick(storeId, pick);
    if (work === undefined) return;
    const { image, task } = work.assignment;
    const site = this.site(storeId);
    if (work.cancelled === 'sent') work.cancelled = 'read';
    if (task.kind !== 'delete' && task.kind !== 'stage' && !site.disk.has(image.id))
      site.disk.set(image.id, 'partial');
    this.queue?.began(storeId, { taskId: task.id, attempt: work.assignment.attempt });
  }

  /** The agent ends one attempt it has, if any, and reports it if it can. */
  end(storeId: string, pick: number, failure?: Outcome & { kind: 'failed' }): void {
    const work = this.#pick(storeId, pick);
    if (work === undefined) return;
    const site = this.site(storeId);
    const { task, attempt } = work.assignment;
    site.working.delete(task.id);
    site.unkept.set(task.id, { attempt, outcome: this.#carryOut(site, work, failure) });
    this.report(storeId);
  }

  #carryOut(
    site: FakeSite,
    { assignment, cancelled }: Attempt,
    failure?: Outcome & { kind: 'failed' },
  ): Outcome {
    const { task, image } = assignment;
    if (task.kind === 'delete') {
      if (failure !== undefined) return failure;
      const clones = site.clones.get(image.id) ?? [];
      if (clones.length > 0) return failed('IN_USE', `clones: ${clones.join()}`);
      site.disk.delete(image.id);
      return { kind: 'deleted', traffic: TRAFFIC };
    }
    // A failure of its own may cross the hub's cancel on the way.
    const heard = cancelled === 'read' || (cancelled === 'sent' && failure === undefined);
    if (heard || failure !== undefined) {
      const code = failure?.reason.code;
      const keeps = !heard && (task.kind === 'copy' ? code !== 'NO_SPACE' : code === 'UNAVAILABLE');
      if (!keeps && site.disk.get(image.id) === 'partial') site.disk.delete(image.id);
      return heard ? failed('CANCELLED', 'cancelled') : (failure as Outcome);
    }
    if (task.kind === 'copy') {
      const source = this.site(task.sourceStoreId ?? '');
      if (source.disk.get(image.id) !== 'whole') return failed('UNAVAILABLE', 'the source does not have it');
    }
    if (task.kind === 'stage')
      return { kind: 'staged', sizeBytes: 4096, sha512: 'f0'.repeat(64), traffic: TRAFFIC };
    site.disk.set(image.id, 'whole');
    return task.kind === 'ingest'
      ? { kind: 'ingested', data: dataOf(image.id), traffic: TRAFFIC }
      : { kind: 'copied', verifiedRoot: dataOf(image.id).root, traffic: TRAFFIC };
  }

  /** Sends every result that is not kept, as an agent does after it attached. `lost`: the hub's answer is. */
  report(storeId: string, lost = false): void {
    const site = this.site(storeId);
    if (!site.attached || this.queue === undefined) return;
    for (const [taskId, { attempt, outcome }] of site.unkept) {
      this.queue.ended(storeId, { taskId, attempt }, outcome);
      if (!lost) site.unkept.delete(taskId);
    }
  }

  /** A report of an attempt before the one at work: a message that was long on its way. */
  reportStale(storeId: string, pick: number): void {
    const work = this.#pick(storeId, pick);
    if (work === undefined || work.assignment.attempt < 2) return;
    const { task, attempt, image } = work.assignment;
    const outcome =
      task.kind === 'copy'
        ? ({ kind: 'copied', verifiedRoot: dataOf(image.id).root, traffic: TRAFFIC } as const)
        : ({ kind: 'deleted', traffic: TRAFFIC } as const);
    this.queue?.ended(storeId, { taskId: task.id, attempt: attempt - 1 }, outcome);
  }

  #pick(storeId: string, pick: number): Attempt | undefined {
    const works = [...this.site(storeId).working.values()];
    return works[pick % Math.max(1, works.length)];
  }
}

export function failed(code: RefusalCode, message: string) {
  return { kind: 'failed', reason: { code, message }, traffic: TRAFFIC } as const;
}
