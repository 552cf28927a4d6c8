import type { TaskKind } from '../domain/job.ts';
import { comesBefore, LANES, type Lane } from '../domain/lane.ts';
import type { Widths } from './parts.ts';

/**
 * Attempts that move image data are never more than so many widths together, whatever their lanes and
 * however many of them are paused: each takes memory at its agents.
 */
const MOST_WIDTHS = 4;

/** An attempt at work, as far as it takes room. */
export interface Attempt {
  readonly storeId: string;
  readonly kind: TaskKind;
  readonly lane: Lane;
  /** Its job, or a store it moves data from or to, is paused. */
  readonly held: boolean;
}

/** Attempts at one store, or in all. */
class Count {
  /** By the lane they are in. */
  readonly moving: Record<Lane, number> = { demand: 0, normal: 0, background: 0 };
  /** Those that move image data, the held ones too. */
  data = 0;

  add({ kind, lane, held }: Attempt): void {
    if (!held) this.moving[lane]++;
    if (kind !== 'delete') this.data++;
  }

  isFull(lane: Lane, width: number): boolean {
    const taken = LANES.filter((other) => !comesBefore(lane, other)).map((other) => this.moving[other]);
    return taken.reduce((sum, count) => sum + count, 0) >= width;
  }

  has(kind: TaskKind, lane: Lane, width: number): boolean {
    return !this.isFull(lane, width) && (kind === 'delete' || this.data < MOST_WIDTHS * width);
  }
}

/**
 * Where there is room for another attempt. A task is kept waiting by attempts of its own lane and of those
 * before it: who waits for an image does not wait until a pre-placement has ended. Nor by attempts that
 * are paused, which may last for days.
 */
export class Room {
  readonly #widths: Widths;
  readonly #overall = new Count();
  readonly #perStore = new Map<string, Count>();

  constructor(widths: Widths, atWork: Iterable<Attempt>) {
    this.#widths = widths;
    for (const attempt of atWork) this.#add(attempt);
  }

  /** No task of this lane can be begun anywhere. */
  isFull(lane: Lane): boolean {
    return this.#overall.isFull(lane, this.#widths.overall);
  }

  /** True when there was room for it, which then is taken. */
  take(attempt: Attempt): boolean {
    const { kind, lane, storeId } = attempt;
    const { overall, perStore } = this.#widths;
    const fits = this.#overall.has(kind, lane, overall) && this.#at(storeId).has(kind, lane, perStore);
    if (fits) this.#add(attempt);
    return fits;
  }

  #add(attempt: Attempt): void {
    this.#overall.add(attempt);
    this.#at(attempt.storeId).add(attempt);
  }

  #at(storeId: string): Count {
    const known = this.#perStore.get(storeId);
    if (known !== undefined) return known;
    const count = new Count();
    this.#perStore.set(storeId, count);
    return count;
  }
}
