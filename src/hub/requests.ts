import type { Catalogue } from '../catalogue/catalogue.ts';
import { parseUuid } from '../domain/ids.ts';
import type { Image, ImageDraft } from '../domain/image.ts';
import type { Job, JobSpec } from '../domain/job.ts';
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

export interface ImportRequest extends CopyRequest {
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

  constructor(parts: { catalogue: Catalogue; queue: Queue; agents: AgentPort; newId: () => string }) {
    this.#catalogue = parts.catalogue;
    this.#queue = parts.queue;
    this.#agents = parts.agents;
    this.#newId = parts.newId;
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
    return this.#submit(imageId, asker, (id) => {
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
      return { kind: 'import', entryStoreId, sizeBytes, storeIds, allMustSucceed: request.allMustSucceed };
    });
  }

  /** R4, R5. No job: all stores hold it already. */
  copy(imageId: string, request: CopyRequest, asker: Asker): { job: Job | undefined; joined: boolean } {
    let joined: Job | undefined;
    let nothing = false;
    const id = parseUuid(imageId);
    const job = this.#trySubmit(id, asker, () => {
      const view = this.#catalogue.view(id);
      requireReadable(asker.actor, view.image);
      requireOwner(asker.actor, view.image, 'copy');
      const decision = decideCopy(request, view);
      if (decision.do === 'queue') return decision.spec;
      if (decision.do === 'join') joined = decision.job;
      else nothing = true;
      return undefined;
    });
    return { job: nothing ? undefined : (joined ?? job), joined: joined !== undefined };
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
    const id = parseUuid(jobId, 'job id');
    const job = this.#catalogue.jobs.get(id);
    const verb = job.spec.kind === 'delete' || job.spec.kind === 'delete-copy' ? 'delete' : 'copy';
    const image = this.#catalogue.images.get(job.imageId);
    requireJobReadable(asker.actor, job, image);
    requireOwner(asker.actor, image, verb);
    return this.#queue.cancel(id, asker.actor.name);
  }

  #submit(imageId: string, asker: Asker, decide: (id: string) => JobSpec): Job {
    const job = this.#trySubmit(parseUuid(imageId), asker, decide);
    if (job === undefined) throw new Refusal('INTERNAL', 'no job came of the request');
    return job;
  }

  #trySubmit(id: string, asker: Asker, decide: (id: string) => JobSpec | undefined): Job | undefined {
    const job = this.#catalogue.transact(() => {
      const spec = decide(id);
      const who = { requestedBy: asker.actor.name, requestId: asker.requestId };
      return spec === undefined ? undefined : this.#queue.submit(id, spec, who);
    });
    if (job === undefined) return undefined;
    this.#queue.submitted(job);
    return this.#catalogue.jobs.get(job.id);
  }
}

/** A site that does not answer does not block (R9): its own delete looks at its clones again. */
function unlessAway(error: unknown): readonly string[] {
  const refusal = Refusal.from(error);
  if (refusal.code === 'UNAVAILABLE' || refusal.code === 'TIMEOUT') return [];
  throw refusal;
}
