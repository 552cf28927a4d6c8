import { setImmediate as turn } from 'node:timers/promises';
import { Refusal } from '../../../src/domain/refusal.ts';
import {
  type Adoption,
  type ForeignName,
  type Found,
  nameText,
  onlyByCopying,
  requireForeignName,
  requireNotOpen,
} from '../../../src/store/adoption.ts';
import { type ReadableImage, requireImageId } from '../../../src/store/store.ts';
import type { Held, MemoryStore } from './memory-store.ts';

const POOLS = ['images', 'others'];
const ADOPTED_FROM_KEY = 'entrepot.adopted-from';

/** An image that the store has not made. */
export interface Stranger {
  readonly held: Held;
  readonly snapProtected: boolean;
  readonly parent?: string | undefined;
  /** Who writes it. */
  openAt: readonly string[];
}

/** The memory store's dealings with images of others, which a test puts into `strangers`. */
export class MemoryAdoption implements Adoption {
  readonly #store: MemoryStore;

  constructor(store: MemoryStore) {
    this.#store = store;
  }

  async examine(name: ForeignName, signal?: AbortSignal): Promise<Found> {
    requireForeignName(name);
    await turn();
    signal?.throwIfAborted();
    return found(name, this.#required(name));
  }

  async adopt(name: ForeignName, imageId: string, { move }: { readonly move: boolean }): Promise<void> {
    requireForeignName(name);
    requireImageId(imageId);
    await turn();
    const whole = this.#store.images.get(imageId);
    const isDone = whole?.form === 'whole' && whole.metadata.get(ADOPTED_FROM_KEY) === nameText(name);
    if (isDone && !this.#store.strangers.has(nameText(name))) return;
    const stranger = this.#required(name);
    const refusal = onlyByCopying(name, found(name, stranger), imageId, move);
    if (refusal !== undefined) throw refusal;
    const taken = name.image !== imageId && this.#store.strangers.has(`images/${imageId}`);
    if ((whole !== undefined && whole.form === 'whole' && whole !== stranger.held) || taken) {
      throw new Refusal('ALREADY_EXISTS', `there is another ${imageId}`);
    }
    requireNotOpen(name, stranger.openAt, 'stop it');
    stranger.held.form = 'whole';
    stranger.held.metadata.set(ADOPTED_FROM_KEY, nameText(name));
    this.#store.images.set(imageId, stranger.held);
    this.#store.strangers.delete(nameText(name));
  }

  async open(name: ForeignName): Promise<ReadableImage> {
    requireForeignName(name);
    await turn();
    const stranger = this.#required(name);
    if (!stranger.snapProtected) requireNotOpen(name, stranger.openAt, 'stop it');
    return this.#store.reading(stranger.held);
  }

  async describe(imageId: string, entries: Readonly<Record<string, string>>): Promise<void> {
    await turn();
    const held = this.#store.images.get(imageId);
    if (held?.form !== 'whole') throw new Refusal('NOT_FOUND', `${imageId} is not whole`);
    for (const [key, value] of Object.entries(entries)) {
      if (value.length > 64 * 1024) throw new Refusal('INVALID', `${key} is too long`);
    }
    for (const [key, value] of Object.entries(entries)) held.metadata.set(key, value);
  }

  /** Also a whole image: it is examined and adopted as any other. */
  #required(name: ForeignName): Stranger {
    if (!POOLS.includes(name.pool)) throw new Refusal('INVALID', `there is no pool ${name.pool}`);
    const whole = name.pool === 'images' ? this.#store.images.get(name.image) : undefined;
    if (whole?.form === 'whole') return { held: whole, snapProtected: true, openAt: [] };
    const stranger = this.#store.strangers.get(nameText(name));
    if (stranger !== undefined) return stranger;
    throw new Refusal('NOT_FOUND', `there is no ${nameText(name)}`);
  }
}

function found(name: ForeignName, { held, snapProtected, parent, openAt }: Stranger): Found {
  return {
    sizeBytes: held.sizeBytes,
    snapshots: snapProtected ? [{ name: 'snap', isProtected: true }] : [],
    parent,
    hasSnap: snapProtected,
    snapProtected,
    openAt,
    inStorePool: name.pool === 'images',
  };
}
