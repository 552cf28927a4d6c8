/** So many in a second in the long run, and so many at once after a pause. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Keys remembered before those that have not been seen for longest are forgotten: some 100 KiB. */
const KEYS_MAX = 1024;

/** A token bucket. Times: milliseconds of a clock that never goes back. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #atMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#atMs = nowMs;
  }

  /** False when there is less in it than asked for, and then nothing is taken. */
  take(nowMs: number, count = 1): boolean {
    this.#refill(nowMs);
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  /** Puts back, up to the burst. */
  give(count: number): void {
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + count);
  }

  #refill(nowMs: number): void {
    this.give(((nowMs - this.#atMs) / 1000) * this.#rate.perSecond);
    this.#atMs = nowMs;
  }
}

/** A bucket for each key. */
export class RateLimit {
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #now: () => number;

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether one more is within the rate. A key should come with the same rate each time. */
  take(key: string, rate: Rate): boolean {
    const nowMs = this.#now();
    const bucket = this.#buckets.get(key) ?? new TokenBucket(rate, nowMs);
    // The last one seen stands last.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > KEYS_MAX) this.#buckets.delete(this.#buckets.keys().next().value ?? '');
    return bucket.take(nowMs);
  }
}

/**
 * Who is counted as one when nobody tells who he is: an IPv4 address, or the 64 bits of an IPv6
 * address that a customer is given whole.
 */
export function networkOf(address: string): string {
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  if (!plain.includes(':')) return plain;
  const [head = '', tail = ''] = plain.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0');
  const groups = plain.includes('::') ? [...first, ...zeros, ...last] : first;
  return `${groups.slice(0, 4).join(':')}::/64`;
}
