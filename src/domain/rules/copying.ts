import type { Copy } from '../copy.ts';
import type { Image } from '../image.ts';
import type { CopySpec, Job } from '../job.ts';
import { locationUrl } from '../location.ts';
import { Refusal } from '../refusal.ts';
import type { StoreRecord } from '../store.ts';
import { requireVisible } from './reading.ts';
import { centralOf, copyAt, type Foresight, foresee, type ImageView, isPresent, list } from './view.ts';

export interface CopyRequest {
  /** Ignored with `allStores`. */
  readonly storeIds: readonly string[];
  readonly allStores: boolean;
  readonly allMustSucceed: boolean;
}

/** What becomes of a request for copies. */
export type CopyDecision =
  | { readonly do: 'nothing' }
  | { readonly do: 'join'; readonly job: Job }
  | { readonly do: 'queue'; readonly spec: CopySpec };

/** R4 and R5: refuse, join, queue, or nothing to do. Never refused for being early. */
export function decideCopy(request: CopyRequest, view: ImageView): CopyDecision {
  requireCopyable(view);
  const { holders } = foresee(view);
  const wanted = request.allStores
    ? usableStores(view.stores).filter((id) => holders.get(id) !== 'present')
    : namedStores(request.storeIds, view.stores);
  if (!request.allStores) {
    const held = wanted.filter((id) => holders.get(id) === 'present');
    if (held.length > 0) {
      throw new Refusal(
        'ALREADY_EXISTS',
        `image ${view.image.id} is already at ${list(held)}: nothing was queued`,
        {
          rule: 'R4',
          hint: 'name only stores that lack it, or use --all-stores, which takes the stores that do',
        },
      );
    }
  }
  const lacking = wanted.filter((id) => !holders.has(id));
  if (lacking.length === 0) {
    if (wanted.length === 0) return { do: 'nothing' };
    const makers = new Set(wanted.map((id) => holders.get(id)));
    const [maker] = makers;
    if (makers.size === 1 && maker !== undefined && maker !== 'present' && promisesAsMuch(maker, request)) {
      return { do: 'join', job: maker };
    }
  }
  requireForeseenSources(lacking, view, holders);
  return { do: 'queue', spec: { kind: 'copy', storeIds: wanted, allMustSucceed: request.allMustSucceed } };
}

/** A request that all stores must succeed is not served by a job that lets some fail. */
function promisesAsMuch(job: Job, request: CopyRequest): boolean {
  if (!request.allMustSucceed) return true;
  return (job.spec.kind === 'copy' || job.spec.kind === 'import') && job.spec.allMustSucceed;
}

function requireCopyable({ image, copies, jobs, stores }: ImageView): void {
  requireVisible(image);
  const { deletedBy, holders } = foresee({ copies, jobs, stores });
  if (deletedBy !== undefined) {
    throw new Refusal('CONFLICT', `image ${image.id} is about to be deleted by job ${deletedBy.id}`, {
      rule: 'R5',
      hint: `\`entrepot job cancel ${deletedBy.id}\` stops it while it is queued`,
    });
  }
  requireNotDeactivated(image);
  if (holders.size === 0) {
    throw new Refusal('CONFLICT', `image ${image.id} has no data yet`, {
      hint: 'upload it first: `entrepot image create --file PATH` does both',
    });
  }
}

/** CONFLICT for an image that an admin holds back: no copy of it is begun; those that are under way are finished. */
export function requireNotDeactivated(image: Pick<Image, 'id' | 'status'>): void {
  if (image.status !== 'deactivated') return;
  throw new Refusal('CONFLICT', `image ${image.id} is deactivated: no new copies are made of it`, {
    hint: `an admin lets it go again: \`entrepot image reactivate ${image.id}\``,
  });
}

/** What all-stores stands for (R4): every store but those whose agent is cut off. */
export function usableStores(stores: readonly StoreRecord[]): string[] {
  return stores.filter((store) => !store.revoked).map((store) => store.id);
}

/**
 * The named stores without repeats (R4). INVALID when one is unknown or none is named,
 * CONFLICT when one is revoked: nobody knows whether it comes back.
 */
export function namedStores(ids: readonly string[], stores: readonly StoreRecord[]): string[] {
  const known = new Set(stores.map((store) => store.id));
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length > 0) {
    throw new Refusal('INVALID', `no store is named ${list(unknown)}: nothing was queued`, {
      rule: 'R4',
      hint:
        known.size === 0
          ? '`entrepot store add NAME --role central` adds the first'
          : `the stores are ${list([...known])}`,
    });
  }
  if (ids.length === 0) {
    throw new Refusal('INVALID', 'no store was named', {
      rule: 'R4',
      hint: 'give --stores A,B or --all-stores',
    });
  }
  const revoked = stores.filter((store) => store.revoked && ids.includes(store.id));
  const [first] = revoked;
  if (first !== undefined) {
    throw new Refusal(
      'CONFLICT',
      `the agent of ${list(revoked.map((store) => store.id))} is cut off: nothing was queued`,
      { rule: 'R4', hint: `\`entrepot store add ${first.id}\` gives its agent a new token to join with` },
    );
  }
  return [...new Set(ids)];
}

function requireForeseenSources(
  storeIds: readonly string[],
  { image, stores }: ImageView,
  holders: Foresight['holders'],
): void {
  const central = centralOf(stores).id;
  const hasEdge = [...holders.keys()].some((id) => id !== central);
  for (const id of storeIds) {
    const hasSource = id === central ? hasEdge : holders.has(central);
    if (!hasSource) throw noSource(image.id, id, central);
  }
}

function noSource(imageId: string, storeId: string, central: string): Refusal {
  return storeId === central
    ? new Refusal(
        'CONFLICT',
        `no store holds image ${imageId}: there is nothing to copy to ${central} from`,
        {
          rule: 'R2',
        },
      )
    : new Refusal(
        'CONFLICT',
        `${central} holds no copy of image ${imageId}, and edges are filled from there only`,
        {
          rule: 'R2',
          hint: `bring it back first: \`entrepot image copy ${imageId} --stores ${central}\``,
        },
      );
}

/**
 * R2: an edge is filled from central, only when central has a present copy. Central itself
 * is filled from the edge where the image entered (R3), or, when it lost its copy, from an
 * edge that holds one, rather from one that is not cut off. Throws CONFLICT when there is no source now.
 */
export function sourceFor(
  storeId: string,
  view: Pick<ImageView, 'image' | 'copies' | 'stores'>,
  entryStoreId?: string,
): string {
  const central = centralOf(view.stores).id;
  if (storeId !== central) {
    if (isPresent(view.copies, central)) return central;
    throw noSource(view.image.id, storeId, central);
  }
  if (entryStoreId !== undefined && entryStoreId !== central) return entryStoreId;
  const holders = view.copies.filter((copy) => copy.storeId !== central && copy.state === 'present');
  const usable = usableStores(view.stores);
  const edge = holders.find((copy) => usable.includes(copy.storeId)) ?? holders[0];
  if (edge === undefined) throw noSource(view.image.id, storeId, central);
  return edge.storeId;
}

/** R3: whether an image that entered at this store must go to central before anything else. */
export function mustReachCentralFirst(entryStoreId: string, stores: readonly StoreRecord[]): boolean {
  return centralOf(stores).id !== entryStoreId;
}

/** R6: what an agent found on reading back must be the image's root; CORRUPT otherwise. */
export function requireVerified(image: Image, storeId: string, verifiedRoot: string): void {
  if (image.data !== undefined && image.data.root === verifiedRoot) return;
  throw new Refusal(
    'CORRUPT',
    `store ${storeId} reported root ${verifiedRoot || '(none)'} for image ${image.id}, whose root is ${image.data?.root ?? 'not known'}`,
    { rule: 'R6' },
  );
}

export interface Location {
  readonly url: string;
  readonly storeId: string;
  readonly verifiedRoot: string;
  readonly verifiedAtMs: number;
}

/** R6: present and verified copies, central first, then by store id. */
export function locationsOf(view: Pick<ImageView, 'image' | 'copies' | 'stores'>): Location[] {
  const { image, copies, stores } = view;
  if (image.status !== 'active' && image.status !== 'deactivated') return [];
  const locations: Location[] = [];
  const inOrder = [...stores].sort((a, b) =>
    a.role === b.role ? a.id.localeCompare(b.id) : a.role === 'central' ? -1 : 1,
  );
  for (const store of inOrder) {
    const copy = copyAt(copies, store.id);
    if (store.identity === undefined || copy === undefined || !isListed(copy, image)) continue;
    locations.push({
      url: locationUrl(store.identity, image.id),
      storeId: store.id,
      verifiedRoot: copy.verifiedRoot ?? '',
      verifiedAtMs: copy.verifiedAtMs ?? 0,
    });
  }
  return locations;
}

function isListed(copy: Copy, image: Image): boolean {
  return copy.state === 'present' && image.data !== undefined && copy.verifiedRoot === image.data.root;
}
