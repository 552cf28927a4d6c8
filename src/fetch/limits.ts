/** How long to wait for a server, and how often to try. Times are milliseconds. */
export interface FetchLimits {
  /** For the name, the connection and TLS together. */
  readonly connectMs: number;
  /** From there to the end of the answer's headers. */
  readonly headersMs: number;
  /** Between bytes, of the time the consumer waits for them. */
  readonly stallMs: number;
  /** In a row without a byte in between, the one counted whose bytes ended before the file did. */
  readonly attempts: number;
  /** Between attempts: doubles from the first to the second, half of it by chance. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** A server may ask for more time than that with Retry-After, but not for more than this. */
  readonly maxRetryAfterMs: number;
}

/** Eight attempts take about a minute where the server refuses connections, enough for a restart of it. */
export const DEFAULT_LIMITS: FetchLimits = {
  connectMs: 15_000,
  headersMs: 60_000,
  stallMs: 60_000,
  attempts: 8,
  firstDelayMs: 500,
  maxDelayMs: 30_000,
  maxRetryAfterMs: 120_000,
};

/** Of an answer in bytes; what a server with long cookies and policies sends is a quarter of it. */
export const MAX_HEADER_BYTES = 16 * 1024;

/** As many as a mirror behind a load balancer behind a short link needs, twice over. */
export const MAX_REDIRECTS = 5;

/** Time, as fetching needs it. */
export interface FetchClock {
  /** Milliseconds since the epoch: servers may say when to come back by the date. */
  epochMs(): number;
  /** Rejects when `signal` aborts. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
}
