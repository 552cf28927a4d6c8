/** Connections of one copy, at most: a ticket is good for no more. */
export const MAX_CONNECTIONS = 8;

/** Nearer than this, one connection fills any link, and more of them only cost. */
const FAR_MS = 3;

/** Far away, loss and the system's socket buffers hold each connection down by itself: four go on where one waits. */
const CONNECTIONS_WHEN_FAR = 4;

/** 1 Gbit/s: what a copy is to reach where the hub tells no rate. */
const WANTED_BYTES_PER_SECOND = 125_000_000;

/**
 * Of rate x round trip. HTTP/2 gives room back when half of a window has been taken, so less than two of
 * them would have the sender wait; the rest is for the time in which either side does something else.
 */
const WINDOW_FACTOR = 2.5;

/** A few messages, however near: with one, each stops for the other side whenever that does something else. */
export const SMALLEST_WINDOW_BYTES = 4 * 1024 * 1024;

/** How many connections a copy uses; `auto`: by the distance. */
export type ConnectionCount = 'auto' | number;

export interface LinkWishes {
  readonly connections: ConnectionCount;
  /** What one copy may have under way at most, on all its connections together. */
  readonly windowBytes: number;
  /** Bytes per second that a copy may reach; undefined where nobody says. */
  readonly wantedRate?: number | undefined;
}

export interface LinkPlan {
  readonly connections: number;
  /** Of each connection. */
  readonly windowBytes: number;
}

/** How a copy uses a link of this round trip. */
export function planLink({ connections, ...wishes }: LinkWishes, roundTripMs: number): LinkPlan {
  const byDistance = roundTripMs < FAR_MS ? 1 : CONNECTIONS_WHEN_FAR;
  const count = connections === 'auto' ? byDistance : connections;
  return { connections: count, windowBytes: Math.floor(windowFor(wishes, roundTripMs) / count) };
}

/** What a copy may have under way so that the wanted rate is reached over this round trip. */
export function windowFor(
  { windowBytes, wantedRate = WANTED_BYTES_PER_SECOND }: Omit<LinkWishes, 'connections'>,
  roundTripMs: number,
): number {
  const needed = Math.ceil((WINDOW_FACTOR * wantedRate * roundTripMs) / 1000);
  return Math.min(Math.max(needed, SMALLEST_WINDOW_BYTES), windowBytes);
}
