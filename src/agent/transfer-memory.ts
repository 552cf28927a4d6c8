import { SlabPool } from '../transfer/slab.ts';

/**
 * Chunks a transfer that receives may hold: five being hashed and written, one being put together, two being read
 * back; more when there are many pulls. docs/replication.md has the bound for a transfer. How many there are at a time is
 * the hub's decision (width per store).
 */
const SLABS_PER_TRANSFER = 8;

/** Pools kept for the next transfer. */
const IDLE_POOLS = 1;

/**
 * The memory of this agent's transfers that receive; what is sent lies in `ChunkSlabs`. Each has a pool of
 * its own: one that waits for a slow peer with slabs in its hands keeps no other waiting, and two agents
 * that serve each other cannot lock up.
 */
export class TransferMemory {
  readonly #inUse = new Set<SlabPool>();
  readonly #idle: SlabPool[] = [];

  /** Bytes of image data in memory, of all transfers together. */
  get bytesInUse(): number {
    return [...this.#inUse].reduce((sum, pool) => sum + pool.bytesInUse, 0);
  }

  async with<T>(work: (slabs: SlabPool) => Promise<T>): Promise<T> {
    const slabs = this.#idle.pop() ?? new SlabPool(SLABS_PER_TRANSFER);
    this.#inUse.add(slabs);
    try {
      return await work(slabs);
    } finally {
      this.#inUse.delete(slabs);
      if (slabs.bytesInUse === 0 && this.#idle.length < IDLE_POOLS) this.#idle.push(slabs);
    }
  }
}
