import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionRefusal } from '../telemetry/rpc-metrics.ts';
import { networkOf, TokenBucket } from '../trust/rate-limit.ts';
import { type Shown, shownBy } from '../trust/tls.ts';
import { FIRST_WINDOW_BYTES } from './http2-server.ts';
import type { ServerLimits } from './limits.ts';
import { windowFor } from './link-plan.ts';

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR } = constants;

/** The smallest of so many counts: each may wait for a busy process, here or there. */
const PINGS = 3;

/** A piece of a message that is not smaller than this on the average costs nothing. */
const PIECE_BYTES = 512;

export interface ConnectionSettings {
  readonly limits: ServerLimits;
  readonly windowBytes: number;
  /** Told once, when the connection is cut for what its caller did. */
  readonly onCut: (reason: ConnectionRefusal) => void;
}

/** A connection that is through with TLS: what its caller showed, and what keeps its calls within their bounds. */
export class Connection {
  /** Address and port, as grpc-js writes them. */
  readonly peer: string;
  readonly network: string;
  readonly shown: Shown;
  readonly #session: ServerHttp2Session;
  readonly #settings: ConnectionSettings;
  /** Open streams, with the moment at which our side ended. */
  readonly #streams = new Map<ServerHttp2Stream, number | undefined>();
  readonly #calls: TokenBucket;
  readonly #pieces: TokenBucket;
  /** Of each stream, as announced. */
  #windowBytes: number;
  #roundTrip: Promise<number> | undefined;
  #idleSinceMs: number;
  #endedAtMs: number | undefined;
  #isKnown: boolean;
  #isCut = false;

  constructor(session: ServerHttp2Session, settings: ConnectionSettings, nowMs: number) {
    const socket = session.socket as TLSSocket;
    this.peer = peerOf(socket);
    this.network = networkOf(socket.remoteAddress ?? '');
    this.shown = shownBy(socket);
    this.#session = session;
    this.#settings = settings;
    this.#calls = new TokenBucket(settings.limits.streamRate, nowMs);
    this.#pieces = new TokenBucket(settings.limits.pieceRate, nowMs);
    this.#windowBytes = Math.min(FIRST_WINDOW_BYTES, settings.windowBytes);
    this.#idleSinceMs = nowMs;
    this.#isKnown = this.shown.certificate !== undefined;
    // What the server announces is per stream; this is the window all streams of a connection share.
    session.setLocalWindowSize(settings.windowBytes);
  }

  /** Whether somebody known has shown himself on it. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Somebody known has called: the connection may idle for as long as those of others who are. */
  know(): void {
    this.#isKnown = true;
  }

  /**
   * Lets its caller be as far ahead with a stream as the distance asks for. Of the server's window it gets one
   * part in `share`, at most: the others are for the connections that carry the same. Never rejects; of one that
   * is gone nothing is changed.
   */
  async widen(share = 1, wantedRate?: number): Promise<void> {
    const { windowBytes } = this.#settings;
    const most = Math.floor(windowBytes / share);
    this.#announce(Math.min(this.#windowBytes, most));
    const roundTripMs = await this.#roundTripMs();
    const needed = Math.floor(windowFor({ windowBytes, wantedRate }, roundTripMs) / share);
    this.#announce(Math.max(this.#windowBytes, needed));
  }

  /** Takes on a stream that was opened. False, and the connection is cut, when there were too many. */
  open(stream: ServerHttp2Stream, nowMs: number): boolean {
    if (this.#isCut) return false;
    if (!this.#calls.take(nowMs)) {
      this.#cut('calls');
      return false;
    }
    this.#streams.set(stream, undefined);
    stream.on('data', (piece: Buffer) => this.#count(piece));
    stream.once('finish', () => {
      if (this.#streams.has(stream)) this.#streams.set(stream, performance.now());
    });
    stream.once('close', () => {
      this.#streams.delete(stream);
      this.#idleSinceMs = performance.now();
    });
    return true;
  }

  /** Ends what has lasted too long: streams the caller does not end, and a connection nobody known uses. */
  sweep(nowMs: number): void {
    const { lingerMs, unknownIdleMs } = this.#settings.limits;
    for (const [stream, endedAtMs] of this.#streams) {
      if (endedAtMs !== undefined && nowMs - endedAtMs > lingerMs) stream.close(NGHTTP2_NO_ERROR);
    }
    const isIdle = this.#streams.size === 0 && nowMs - this.#idleSinceMs > unknownIdleMs;
    if (isIdle && !this.#isKnown) this.#cut('unknown');
  }

  /** Whether its session has ended for longer than the last it had to say can take. */
  isOverdue(nowMs: number): boolean {
    if (!this.#session.destroyed) return false;
    this.#endedAtMs ??= nowMs;
    return nowMs - this.#endedAtMs > this.#settings.limits.lingerMs;
  }

  #announce(windowBytes: number): void {
    if (windowBytes === this.#windowBytes || this.#session.destroyed || this.#session.closed) return;
    this.#windowBytes = windowBytes;
    // For streams that are open as well. What is on its way meanwhile stays within the larger of the two.
    this.#session.settings({ initialWindowSize: windowBytes });
  }

  /** 0 when it cannot be measured. */
  async #roundTripMs(): Promise<number> {
    this.#roundTrip ??= smallestPing(this.#session);
    return await this.#roundTrip;
  }

  /** Messages that come in many pieces cost far more memory than they have bytes. */
  #count(piece: Buffer): void {
    this.#pieces.give(piece.length / PIECE_BYTES);
    if (!this.#pieces.take(performance.now())) this.#cut('pieces');
  }

  #cut(reason: ConnectionRefusal): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#settings.onCut(reason);
    // Not in the middle of an event of a stream, to which others listen after us.
    setImmediate(() => this.#session.destroy(undefined, NGHTTP2_ENHANCE_YOUR_CALM));
  }
}

/** Milliseconds; answered by HTTP/2 itself, so it is not for the caller's program to say. 0 of a session that is gone. */
async function smallestPing(session: ServerHttp2Session): Promise<number> {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let count = 0; count < PINGS; count++) {
    if (session.destroyed || session.closed) return 0;
    const took = await new Promise<number | undefined>((resolve) => {
      const isSent = session.ping((error, tookMs) => resolve(error === null ? tookMs : undefined));
      if (!isSent) resolve(undefined);
    });
    if (took === undefined) return 0;
    leastMs = Math.min(leastMs, took);
  }
  return leastMs;
}

/** Address and port of the other side, as grpc-js writes them. */
export function peerOf({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress}:${remotePort}`;
}

/** Ends a call whose status does not get through to its caller. */
export function cutStream(stream: ServerHttp2Stream): void {
  if (!stream.destroyed) stream.close(NGHTTP2_CANCEL);
}
