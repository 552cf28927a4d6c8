import type { Catalogue } from '../catalogue/catalogue.ts';
import { parseUuid } from '../domain/ids.ts';
import type { Image, ImageDraft } from '../domain/image.ts';
import type { Job, JobSpec } from '../domain/job.ts';
import type { Lane } from '../domain/lane.ts';
import { Refusal } from '../domain/refusal.ts';
import {
  type Actor,
  type CopyRequest,
  centralOf,
  chooseImageId,
  decideCopy,
  isPresent,
  namedStores,
  requireCopyDeletable,
  requireImageDeletable,
  requireJobReadable,
  requireNoClones,
  requireOwner,
  requireReadable,
  usableStores,
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

export interface RequestsParts {
  readonly catalogue: Catalogue;
  readonly queue: Queue;
  readonly agents: AgentPort;
  readonly newId: () => string;
  /** Told after jobs came into another lane. */
  readonly onRaised: () => void;
}

export interface ImportRequest extends CopyRequest {
  readonly lane: Lane;
  /** Empty: central. */
  readonly entryStoreId: string;
  readonly sizeBytes: number;
}

/** Where an image's chunks would no longer be counted exactly; RBD ends at 2^63, people at far less. */
const SIZE_LIMIT_BYTES = 2 ** 50;

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

  /** Queues an import that waits for its bytes. */
  beginImport(imageId: string, request: ImportRequest, asker: Asker): Job {
    const { sizeBytes } = request;
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1 || sizeBytes > SIZE_LIMIT_BYTES) {
      throw new Refusal('INVALID', `an image of ${sizeBytes} bytes cannot be taken in`, {
        hint: `from 1 byte to ${SIZE_LIMIT_BYTES} bytes`,
      });
    }
    return this.#submit(imageId, { ...asker, lane: request.lane }, (id) => {
      const view = this.#catalogue.view(id);
      requireReadable(asker.actor, view.image);
      requireOwner(asker.actor, view.image, 'copy');
      if (view.image.status !== 'queued' || view.jobs.length > 0) {
        throw new Refusal(
          'CONFLICT',
          `image ${id} is ${view.image.status}: it has its data, or is getting it`,
          {
            hint: 'an image is filled once; make another one',
          },
        );
      }
      const entryStoreId = request.entryStoreId || centralOf(view.stores).id;
      namedStores([entryStoreId], view.stores);
      const storeIds = request.allStores
        ? usableStores(view.stores)
        : request.storeIds.length === 0
          ? []
          : namedStores(request.storeIds, view.stores);
      return { kind: 'import',
        source: { method: 'upload' },
        entryStoreId,
        sizeBytes,
        storeIds,
        allMustSucceed: request.allMustSucceed,
      };
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
      return decision.do === 'queue' ? decision.spec : undefined;
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
    return this.#submit(id, asker, () => {
      allowed();
      return { kind: 'delete-copy', storeId };
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
    return this.#submit(id, asker, () => {
      allowed();
      return { kind: 'delete' };
    });
  }

  cancel(jobId: string, asker: Asker): Job {
    const { id } = ownJob(this.#catalogue, jobId, asker.actor);
    return this.#queue.cancel(id, asker.actor.name);
  }

  #submit(imageId: string, asker: Urgently, decide: (id: string) => JobSpec): Job {
    const job = this.#trySubmit(parseUuid(imageId), asker, decide);
    if (job === undefined) throw new Refusal('INTERNAL', 'no job came of the request');
    return job;
  }

  #trySubmit(
    id: string,
    { actor, requestId, lane }: Urgently,
    decide: (id: string) => JobSpec | undefined,
  ): Job | undefined {
    const job = this.#catalogue.transact(() => {
      const spec = decide(id);
      const who = { requestedBy: actor.name, requestId, ...(lane && { lane }) };
      return spec === undefined ? undefined : this.#queue.submit(id, spec, who);
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
