import { delayBytes, type LinkSpec, queueBytes } from './link-spec.ts';

/** Of a packet as it is read, with the header in front of it. */
export const MOST_PACKET_BYTES = 64 * 1024 + 64;
const MOST_PACKETS = 64 * 1024;

/** A link that nobody uses for so long may send that much at once: whoever serves it comes a little late, and no rate is lost by it. */
const LATENESS_MS = 1;
/** Without a shape packets only pass through. */
const OPEN_MEMORY_BYTES = 4 * 1024 * 1024;

export type Fate = 'kept' | 'lost' | 'overflowed';

/**
 * One direction of a link: packets leave one after the other at its rate, and arrive half a round trip later. In
 * order, in memory that is taken once. Times are in milliseconds of any clock that does not go back.
 */
export class DelayLine {
  readonly #spec: LinkSpec | undefined;
  readonly #random: () => number;
  readonly #memory: Buffer;
  readonly #starts = new Uint32Array(MOST_PACKETS);
  readonly #lengths = new Uint32Array(MOST_PACKETS);
  readonly #dues = new Float64Array(MOST_PACKETS);
  /** Counted on and on; taken modulo MOST_PACKETS. */
  #first = 0;
  #end = 0;
  /** Where the next packet is read to. */
  #free = 0;
  #leavesAtMs = 0;

  /** `spec`: undefined for a line without limit, delay or loss. */
  constructor(spec: LinkSpec | undefined, random: () => number = Math.random) {
    this.#spec = spec;
    this.#random = random;
    const held = spec === undefined ? OPEN_MEMORY_BYTES : queueBytes(spec) + delayBytes(spec);
    // What was read beyond the rate within its lateness, and what the ends of the memory waste.
    this.#memory = Buffer.allocUnsafeSlow(Math.ceil(held * 1.1) + 4 * MOST_PACKET_BYTES);
  }

  /** Where to read the next packet to; undefined when there is no room and it is to be dropped. */
  slot(): Buffer | undefined {
    if (this.#end - this.#first === MOST_PACKETS) return undefined;
    const oldest = this.#isEmpty ? undefined : (this.#starts[this.#first % MOST_PACKETS] ?? 0);
    if (oldest === undefined) this.#free = 0;
    else if (this.#free > oldest && this.#memory.length - this.#free < MOST_PACKET_BYTES) this.#free = 0;
    const end = oldest === undefined || this.#free > oldest ? this.#memory.length : oldest;
    if (end - this.#free < MOST_PACKET_BYTES) return undefined;
    return this.#memory.subarray(this.#free, this.#free + MOST_PACKET_BYTES);
  }

  /** What becomes of the packet that was read into `slot`. `linkBytes`: what it takes of the link. */
  take(length: number, linkBytes: number, nowMs: number): Fate {
    const spec = this.#spec;
    let due = nowMs;
    if (spec !== undefined) {
      const bytesPerMs = spec.bitsPerSecond / 8000;
      if ((this.#leavesAtMs - nowMs) * bytesPerMs > queueBytes(spec)) return 'overflowed';
      // A packet that is lost has gone over the link.
      this.#leavesAtMs = Math.max(this.#leavesAtMs, nowMs - LATENESS_MS) + linkBytes / bytesPerMs;
      if (this.#random() < spec.lossShare) return 'lost';
      due = Math.max(nowMs, this.#leavesAtMs) + spec.roundTripMs / 2;
    }
    const index = this.#end++ % MOST_PACKETS;
    this.#starts[index] = this.#free;
    this.#lengths[index] = length;
    this.#dues[index] = due;
    this.#free += length;
    return 'kept';
  }

  /** When the next packet arrives; Infinity when there is none. */
  get dueAtMs(): number {
    return this.#isEmpty ? Number.POSITIVE_INFINITY : (this.#dues[this.#first % MOST_PACKETS] ?? 0);
  }

  /** The next packet, which is in the line until `drop`. Only when there is one. */
  get next(): Buffer {
    const index = this.#first % MOST_PACKETS;
    const start = this.#starts[index] ?? 0;
    return this.#memory.subarray(start, start + (this.#lengths[index] ?? 0));
  }

  drop(): void {
    this.#first++;
  }

  get #isEmpty(): boolean {
    return this.#first === this.#end;
  }
}
