import type { ServerLimits } from '../rpc/limits.ts';
import { MAX_CONNECTIONS } from '../rpc/link-plan.ts';

/** Copies between two stores at once: `queue.width_per_store` of the hub as it comes, in each of the four lanes at most. */
const COPIES_PER_PEER = 8;

/** Streams of one store at its most: one for each connection of each copy. */
const STREAMS_PER_PEER = COPIES_PER_PEER * MAX_CONNECTIONS;

/**
 * Where an agent's port differs from the hub's. Only agents come here, each with a certificate, and a copy takes
 * several connections. What a store that pushes can fill is bounded by copies, whatever their connections:
 * 8 x 16 MiB in windows, and for each stream a message that is not whole yet, 64 x 2 MiB.
 */
export const TRANSFER_LIMITS: Partial<ServerLimits> = {
  // Beside the streams those that measure the distance or renew tickets.
  callsPerIdentity: STREAMS_PER_PEER + 16,
  uploadsPerIdentity: STREAMS_PER_PEER,
  // All edges may be behind one address, each with its usual four connections and two copies: 128 edges.
  connectionsPerNetwork: 1024,
  // The hub as it comes lets 16 copies begin at once, on 8 connections each, and one for the distance.
  connectionRate: { perSecond: 100, burst: 400 },
  // Behind image data that is queued on a slow link, which goes first: up to 10 MiB of a connection.
  keepaliveAnswerMs: 30_000,
};
