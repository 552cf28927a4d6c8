/** A link between central and an edge. Both directions are alike and independent. */
export interface LinkSpec {
  /** As `--links` takes it: `100mbit/50ms/0.1%`. */
  readonly name: string;
  readonly bitsPerSecond: number;
  /** Half of it each way. */
  readonly roundTripMs: number;
  /** Of the packets, each way; 0 to 1. */
  readonly lossShare: number;
}

const FORM = /^(\d+(?:\.\d+)?)(mbit|gbit)\/(\d+(?:\.\d+)?)ms(?:\/(\d+(?:\.\d+)?)%)?$/;
const UNITS = { mbit: 1e6, gbit: 1e9 };
const MOST_BITS_PER_SECOND = 10e9;
const LONGEST_ROUND_TRIP_MS = 1000;
const MOST_LOSS_PERCENT = 10;

/** What a packet takes of the link beside its IP bytes: an Ethernet header, which is what netem counts too. */
export const FRAME_BYTES = 14;
/** Of an IP packet. */
export const MTU_BYTES = 1500;

/** A queue of twice what is under way at full rate holds any window that is of use; smaller ones are for no link. */
const QUEUE_ROUND_TRIPS = 2;
const SMALLEST_QUEUE_BYTES = 512 * 1024;

/** Throws an Error that says what is wrong. */
export function parseLink(name: string): LinkSpec {
  const [, rate = '', unit = 'mbit', roundTrip = '', loss = '0'] = FORM.exec(name) ?? [];
  const bitsPerSecond = Number(rate) * UNITS[unit as keyof typeof UNITS];
  const roundTripMs = Number(roundTrip);
  const isInRange =
    bitsPerSecond > 0 &&
    bitsPerSecond <= MOST_BITS_PER_SECOND &&
    roundTripMs > 0 &&
    roundTripMs <= LONGEST_ROUND_TRIP_MS &&
    Number(loss) <= MOST_LOSS_PERCENT;
  if (isInRange) return { name, bitsPerSecond, roundTripMs, lossShare: Number(loss) / 100 };
  throw new Error(
    `--links ${name}: a link is like 100mbit/50ms/0.1% or 1gbit/20ms, of at most 10gbit/1000ms/10%`,
  );
}

/** What is under way in one direction when the link is full and its queue empty. */
export function delayBytes({ bitsPerSecond, roundTripMs }: LinkSpec): number {
  return Math.round((bitsPerSecond / 8) * (roundTripMs / 1000)) / 2;
}

/** What may wait for its turn before packets are dropped for want of room. */
export function queueBytes(spec: LinkSpec): number {
  return Math.max(SMALLEST_QUEUE_BYTES, QUEUE_ROUND_TRIPS * 2 * delayBytes(spec));
}

/** Share of the link that `bytes` take when they need so many seconds. */
export function shareOf(spec: LinkSpec, bytes: number, seconds: number): number {
  return (bytes * 8) / seconds / spec.bitsPerSecond;
}
