import type { Rate } from '../trust/rate-limit.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Of one message to a server. A frame carries 1 MiB, a piece of a manifest the same, a pull request 4096 runs. */
export const REQUEST_LIMIT_BYTES = 2 * MIB;

/** Of one message from a server, who is believed more: a page of images, a job with all its tasks. */
export const ANSWER_LIMIT_BYTES = 8 * MIB;

/** Metadata of a call that holds the request id, from the CLI to the last agent. */
export const REQUEST_ID_KEY = 'entrepot-request-id';

/** Metadata of Pull and Push that holds the hub's permission. */
export const TICKET_KEY = 'entrepot-ticket';

/** Metadata of Push that holds how many connections its caller delivers on, 1 when left out. */
export const CONNECTIONS_KEY = 'entrepot-connections';

/** Metadata that holds `Bearer` and an API token. */
export const AUTHORIZATION_KEY = 'authorization';

/**
 * What a server takes from its callers. Memory that one identity can fill with what it sends: for each
 * call a message that is not whole yet, and for those that send a stream the window besides:
 * 64 x 2 MiB + 16 x 16 MiB = 384 MiB. All who show no identity together: 8 x 2 MiB.
 */
export interface ServerLimits {
  /** Headers of a call, all names and values. A ticket takes 12 KiB at most, mostly 1.2. */
  readonly metadataBytes: number;
  /** How many headers, those of gRPC included. */
  readonly metadataPairs: number;
  /** Under way at once on a connection. An agent has one Attach and a few transfers, a CLI one or two. */
  readonly callsPerConnection: number;
  /** Under way at once, on all its connections. */
  readonly callsPerIdentity: number;
  /** Those among them in which the caller sends a stream. */
  readonly uploadsPerIdentity: number;
  /** Under way at once of all who showed no identity. */
  readonly callsOfNobody: number;
  /** Those among them from one network (`networkOf`), so that none takes the place of all. */
  readonly callsOfNobodyPerNetwork: number;
  /** Calls of an operator. */
  readonly operatorRate: Rate;
  /** Calls of an agent, or of the hub at an agent: it pulls in many small requests. */
  readonly peerRate: Rate;
  /** Calls from one network by those who showed no identity, or one that is not good. */
  readonly nobodyRate: Rate;
  /**
   * Open connections in all, those included that are not through with TLS. When there are as many, a new
   * one takes the place of the oldest of which nobody known has shown himself.
   */
  readonly connections: number;
  /** Open connections from one network: sixty agents may be behind one address. */
  readonly connectionsPerNetwork: number;
  /** New connections from one network. A TLS handshake costs the server up to a millisecond. */
  readonly connectionRate: Rate;
  /** Calls begun on a connection, the refused ones included. Beyond, it is cut. */
  readonly streamRate: Rate;
  /** Pieces of messages on a connection beyond one for each half KiB: each costs memory besides its bytes. */
  readonly pieceRate: Rate;
  /** From the connection to the end of the TLS handshake. */
  readonly handshakeMs: number;
  /** How often a connection is asked whether its caller is still there. */
  readonly keepaliveMs: number;
  /** How long the answer to that may take. One that gives none is dropped, so that its calls end. */
  readonly keepaliveAnswerMs: number;
  /** A connection without calls, of somebody known. */
  readonly idleMs: number;
  /** A connection without calls, of somebody not known (yet). */
  readonly unknownIdleMs: number;
  /** From the headers of a call that has one message to that message. */
  readonly requestMs: number;
  /** The same for a caller who showed no identity: there are few places for those. */
  readonly requestOfNobodyMs: number;
  /**
   * Between two messages of a caller that sends a stream, while they are waited for. An agent sends
   * heartbeats; an upload whose source pauses for longer has to be made again.
   */
  readonly silenceMs: number;
  /** How long a caller may leave a message lying that waits to be sent to it (1 MiB at most). */
  readonly stallMs: number;
  /** From the answer to the caller's own end of the call, and from the end of a connection to that of its socket. */
  readonly lingerMs: number;
  /** How long an aborted handler may take to clean up before its call is cut. */
  readonly abortMs: number;
}

export const SERVER_LIMITS: ServerLimits = {
  metadataBytes: 16 * KIB,
  metadataPairs: 64,
  callsPerConnection: 128,
  callsPerIdentity: 64,
  uploadsPerIdentity: 16,
  callsOfNobody: 8,
  callsOfNobodyPerNetwork: 4,
  operatorRate: { perSecond: 100, burst: 200 },
  peerRate: { perSecond: 200, burst: 400 },
  nobodyRate: { perSecond: 10, burst: 50 },
  connections: 2048,
  connectionsPerNetwork: 512,
  connectionRate: { perSecond: 50, burst: 200 },
  streamRate: { perSecond: 300, burst: 500 },
  pieceRate: { perSecond: 200, burst: 4000 },
  handshakeMs: 10_000,
  keepaliveMs: 20_000,
  keepaliveAnswerMs: 10_000,
  idleMs: 5 * 60_000,
  unknownIdleMs: 30_000,
  requestMs: 30_000,
  requestOfNobodyMs: 5000,
  silenceMs: 5 * 60_000,
  stallMs: 60_000,
  lingerMs: 5000,
  abortMs: 1000,
};
