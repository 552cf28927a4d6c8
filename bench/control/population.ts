import { createHash } from 'node:crypto';

/** How large the cloud is that a bench is run on. */
export interface CloudSize {
  /** The central one counts. */
  readonly sites: number;
  readonly images: number;
  /** Copies wanted of all images together. */
  readonly copies: number;
  /** The newest images, which only central holds. */
  readonly freshImages: number;
}

export interface PopulatedImage {
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  /** Central first. */
  readonly storeIds: readonly string[];
}

export interface Population {
  /** Central first. */
  readonly storeIds: readonly string[];
  /** Oldest first; the last `freshImages` are at central alone. */
  readonly images: readonly PopulatedImage[];
  readonly copies: number;
}

export const CENTRAL = 'central';

const GIB = 1024 ** 3;

/**
 * Who holds what before anything is measured. The same size gives the same population, in whichever
 * process: hub and sites agree without telling each other. Copies are spread evenly over images and
 * edges, as far as there are edges enough.
 */
export function populate({ sites, images, copies, freshImages }: CloudSize): Population {
  const edges = Array.from({ length: sites - 1 }, (_, index) => `dcn${index}`);
  const settled = images - freshImages;
  const wanted = Math.min(Math.max(0, copies - images), settled * edges.length);
  let given = 0;
  const populated = Array.from({ length: images }, (_, index): PopulatedImage => {
    const upTo = index < settled ? Math.floor((wanted * (index + 1)) / settled) : given;
    const storeIds = [CENTRAL];
    for (; given < upTo; given++) storeIds.push(edges[given % edges.length] as string);
    return {
      id: idOf(`image ${index}`),
      name: `image-${index}`,
      sizeBytes: ((index % 8) + 1) * GIB,
      storeIds,
    };
  });
  return { storeIds: [CENTRAL, ...edges], images: populated, copies: images + given };
}

/** What each store holds. */
export function holdings({ storeIds, images }: Population): ReadonlyMap<string, readonly PopulatedImage[]> {
  const held = new Map<string, PopulatedImage[]>(storeIds.map((id) => [id, []]));
  for (const image of images) for (const id of image.storeIds) held.get(id)?.push(image);
  return held;
}

/** What the store's cluster is, as its agent says it and the catalogue has it pinned. */
export function storeIdentity(storeId: string) {
  return { driver: 'rbd', fsid: idOf(`cluster ${storeId}`), pool: 'images' } as const;
}

/** A UUID (version 4 in form) that is always the same for a name. */
function idOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
