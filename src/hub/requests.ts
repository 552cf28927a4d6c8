import type { Catalogue } from '../catalogue/catalogue.ts';
import { parseUuid } from '../domain/ids.ts';
import type { Image, ImageDraft } from '../domain/image.ts';
import { type Job, type JobSpec, takesUpload, waitsForUpload } from '../domain/job.ts';
import type { Lane } from '../domain/lane.ts';
import { Refusal } from '../domain/refusal.ts';
import {
  type Actor,
  type CopyRequest,
  chooseImageId,
  decideCopy,
  isPresent,
  requireCopyDeletable,
  requireImageDeletable,
  requireJobReadable,
  requireNoClones,
  requireOwner,
  requireReadable,
} from '../domain/rules/index.ts';
import type { AgentPort } from '../queue/agent-port.ts';
import type { Queue } from '../queue/queue.ts';

/** Who asks, and under which request id. */
export interface Asker {
  readonly actor: Actor;
  readonly requestId: string;
  /** Aborts when nobody waits for the answer any more, or the asker is not let in any more. */
  readonly signal?: AbortSignal;
}

/** In which lane a job comes; `normal` when left out. */
type Urgently = Asker & { readonly lane?: Lane };

/** A job that the rules have allowed. */
export interface Wanted {
  readonly spec: JobSpec;
  readonly sourceUri?: string | undefined;
}

export interface RequestsParts {
  readonly catalogue: Catalogue;
  readonly queue: Queue;
  readonly agents: AgentPort;
  readonly newId: () => string;
  /** Told after jobs came into another lane. */
  readonly onRaised: () => void;
}

/** What operators ask for, held against the rules, in one transaction with what follows from it. */
export class Requests {
  readonly #catalogue: Catalogue;
  readonly #queue: Queue;
  readonly #agents: AgentPort;
  readonly #newId: () => string;
  readonly #onRaised: () => void;

  constructor(parts: RequestsParts) {
    this.#catalogue = parts.catalogue;
    this.#queue = parts.queue;
    this.#agents = parts.agents;
    this.#newId = parts.newId;
    this.#onRaised = parts.onRaised;
  }

  /** A record without data (R1). */
  create(requestedId: string, draft: ImageDraft, asker: Asker): Image {
    const { images } = this.#catalogue;
    return this.#catalogue.transact(() => {
      const id = chooseImageId(requestedId, (one) => images.find(one) !== undefined, this.#newId);
      return images.insert(id, draft, asker.requestId);
    });
  }

  /**
   * R4, R5. No job: all stores hold it already. Jobs in a lower lane that it joins, or waits for, come into
   * that of the request.
   */
  copy(
    imageId: string,
    request: CopyRequest,
    lane: Lane,
    asker: Asker,
  ): { job: Job | undefined; joined: boolean } {
    let joined: Job | undefined;
    let raised = false;
    const id = parseUuid(imageId);
    const job = this.#trySubmit(id, { ...asker, lane }, () => {
      const view = this.#catalogue.view(id);
      requireReadable(asker.actor, view.image);
      requireOwner(asker.actor, view.image, 'copy');
      const decision = decideCopy(request, view);
      if (decision.do === 'nothing') return undefined;
      if (decision.do === 'join') joined = decision.job;
      raised = this.#catalogue.jobs.raise(id, lane, joined);
      return decision.do === 'queue' ? { spec: decision.spec } : undefined;
    });
    if (raised) this.#onRaised();
    if (joined !== undefined) return { job: this.#catalogue.jobs.get(joined.id), joined: true };
    return { job, joined: false };
  }

  /** R8. The store is asked about clones first, so that the answer to the operator is the whole truth. */
  async deleteCopy(imageId: string, storeId: string, asker: Asker): Promise<Job> {
    const id = parseUuid(imageId);
    const allowed = () => {
      const view = this.#catalogue.view(id);
      requireReadable(asker.actor, view.image);
      requireOwner(asker.actor, view.image, 'delete');
      requireCopyDeletable(storeId, view);
      return view;
    };
    const before = allowed();
    if (isPresent(before.copies, storeId) && this.#agents.isOnline(storeId)) {
      const names = await this.#agents.askChildren(storeId, id).catch(unlessAway);
      requireNoClones(id, new Map([[storeId, names]]), 'R8');
    }
    asker.signal?.throwIfAborted();
    return this.submit(id, asker, () => {
      allowed();
      return { spec: { kind: 'delete-copy', storeId } };
    });
  }

  /** R9. As with a single copy, clones are looked for before anything is queued. */
  async deleteImage(imageId: string, asker: Asker): Promise<Job> {
    const id = parseUuid(imageId);
    const allowed = () => {
      const view = this.#catalogue.view(id);
      requireReadable(asker.actor, view.image);
      requireOwner(asker.actor, view.image, 'delete');
      requireImageDeletable(view);
      return view;
    };
    const { copies } = allowed();
    const sites = copies.filter((copy) => copy.state === 'present' && this.#agents.isOnline(copy.storeId));
    const answers = sites.map(async ({ storeId }) => {
      const names = await this.#agents.askChildren(storeId, id).catch(unlessAway);
      return [storeId, names] as const;
    });
    requireNoClones(id, new Map(await Promise.all(answers)), 'R9');
    asker.signal?.throwIfAborted();
    // Both or neither: a hub that dies in between would have the delete wait behind the upload.
    return this.#catalogue.transact(() => {
      const job = this.submit(id, asker, () => {
        allowed();
        return { spec: { kind: 'delete' } };
      });
      this.#giveUpUpload(id, asker);
      return this.#catalogue.jobs.get(job.id);
    });
  }

  cancel(jobId: string, asker: Asker): Job {
    const { id } = ownJob(this.#catalogue, jobId, asker.actor);
    return this.#queue.cancel(id, asker.actor.name);
  }

  /** Queues what `decide` comes to, in one transaction with it. `sourceUri` as `Jobs.insert` has it. */
  submit(imageId: string, asker: Urgently, decide: (id: string) => Wanted): Job {
    const job = this.#trySubmit(parseUuid(imageId), asker, decide);
    if (job === undefined) throw new Refusal('INTERNAL', 'no job came of the request');
    return job;
  }

  /** Who has the image deleted gives up what was uploaded of it: nobody is at it, and it would keep the delete waiting. */
  #giveUpUpload(imageId: string, { actor }: Asker): void {
    for (const job of this.#catalogue.jobs.unendedOfImage(imageId)) {
      const isKept = takesUpload(job.spec) && this.#catalogue.tasks.ofJob(job.id).some(waitsForUpload);
      if (isKept) this.#queue.cancel(job.id, actor.name);
    }
  }

  #trySubmit(
    id: string,
    { actor, requestId, lane }: Urgently,
    decide: (id: string) => Wanted | undefined,
  ): Job | undefined {
    const job = this.#catalogue.transact(() => {
      const wanted = decide(id);
      if (wanted === undefined) return undefined;
      const { spec, sourceUri } = wanted;
      return this.#queue.submit(id, spec, { requestedBy: actor.name, requestId, lane, sourceUri });
    });
    if (job === undefined) return undefined;
    this.#queue.submitted(job);
    return this.#catalogue.jobs.get(job.id);
  }
}

/** The job with this id, of an image that the operator may change: NOT_FOUND or FORBIDDEN (R11) otherwise. */
export function ownJob(catalogue: Catalogue, jobId: string, actor: Actor): Job {
  const job = catalogue.jobs.get(parseUuid(jobId, 'job id'));
  const image = catalogue.images.get(job.imageId);
  requireJobReadable(actor, job, image);
  const isDelete = job.spec.kind === 'delete' || job.spec.kind === 'delete-copy';
  requireOwner(actor, image, isDelete ? 'delete' : 'copy');
  return job;
}

/** A site that does not answer does not block (R9): its own delete looks at its clones again. */
function unlessAway(error: unknown): readonly string[] {
  const refusal = Refusal.from(error);
  if (refusal.code === 'UNAVAILABLE' || refusal.code === 'TIMEOUT') return [];
  throw refusal;
}
