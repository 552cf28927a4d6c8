import type { EventEmitter } from 'node:events';
import type { Http2SecureServer, Http2Session, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionRefusal, RpcMetrics } from '../telemetry/rpc-metrics.ts';
import { networkOf, RateLimit } from '../trust/rate-limit.ts';
import { Connection, peerOf } from './connection.ts';
import type { ServerLimits } from './limits.ts';

export interface ConnectionsSettings {
  readonly limits: ServerLimits;
  readonly windowBytes: number;
  readonly metrics: RpcMetrics;
  /** Called with each connection that is let in, before TLS. */
  readonly onSocket?: ((socket: Socket) => void) | undefined;
}

/** A stream, while grpc-js makes a call of it. */
export interface Opening {
  readonly connection: Connection;
  readonly stream: ServerHttp2Stream;
}

/** All connections of a server: lets them in, and knows what TLS found of each. */
export class Connections {
  readonly #settings: ConnectionsSettings;
  /** Open ones by their `peerOf`, through with TLS or not. */
  readonly #sockets = new Map<string, Socket>();
  /** How many of them, by network. */
  readonly #networks = new Map<string, number>();
  readonly #rates = new RateLimit();
  readonly #open = new Map<Http2Session, Connection>();
  #opening: Opening | undefined;

  constructor(settings: ConnectionsSettings) {
    this.#settings = settings;
  }

  /** Stands between a server and those who listen to its events already. */
  guard(server: Http2SecureServer): void {
    const { metrics } = this.#settings;
    interpose(server, 'connection', (socket: Socket, pass) => this.#accept(socket, pass));
    interpose(server, 'stream', (stream: ServerHttp2Stream, pass) => this.#stream(stream, pass));
    server.on('session', (session: ServerHttp2Session) => this.#session(session));
    server.on('tlsClientError', (_error: Error, socket: TLSSocket) => {
      // With a reason TLS did get as far as the certificate.
      const isRejected = (socket.authorizationError as unknown) != null;
      metrics.connectionRefused(isRejected ? 'certificate' : 'handshake');
    });
  }

  /**
   * Whose call grpc-js is making. It does so while it is told of the stream, and `peer` must agree: a
   * call is never taken for that of another connection. Undefined when the connection is gone.
   */
  opening(peer: string): Opening | undefined {
    return this.#opening?.connection.peer === peer ? this.#opening : undefined;
  }

  sweep(nowMs: number): void {
    for (const [session, connection] of this.#open) {
      if (connection.isOverdue(nowMs)) this.#bury(session, connection);
      else connection.sweep(nowMs);
    }
  }

  /**
   * Closes the socket of a session that has ended. Node (24.21) waits until all is written, which never
   * happens when the caller went away while it sent more than it may.
   */
  #bury(session: Http2Session, { peer }: Connection): void {
    this.#open.delete(session);
    this.#sockets.get(peer)?.destroy();
  }

  /** Cuts connections that are in the middle of a handshake: nothing of theirs is under way. */
  destroyUnsecured(): void {
    const secured = new Set([...this.#open.values()].map(({ peer }) => peer));
    for (const [peer, socket] of this.#sockets) {
      if (!secured.has(peer)) socket.destroy();
    }
  }

  #accept(socket: Socket, pass: () => void): void {
    const network = networkOf(socket.remoteAddress ?? '');
    const refusal = this.#refusal(network);
    if (refusal !== undefined) {
      this.#settings.metrics.connectionRefused(refusal);
      socket.destroy();
      return;
    }
    const peer = peerOf(socket);
    this.#sockets.set(peer, socket);
    this.#count(network, 1);
    this.#settings.onSocket?.(socket);
    socket.once('close', () => {
      this.#sockets.delete(peer);
      this.#count(network, -1);
    });
    pass();
  }

  #count(network: string, change: number): void {
    const left = (this.#networks.get(network) ?? 0) + change;
    if (left > 0) this.#networks.set(network, left);
    else this.#networks.delete(network);
  }

  #refusal(network: string): ConnectionRefusal | undefined {
    const { connections, connectionsPerNetwork, connectionRate } = this.#settings.limits;
    if ((this.#networks.get(network) ?? 0) >= connectionsPerNetwork) return 'network';
    if (!this.#rates.take(network, connectionRate)) return 'rate';
    // Asked last: it may cost somebody else his connection.
    return this.#sockets.size < connections || this.#makeRoom() ? undefined : 'full';
  }

  /** Cuts the oldest connection of nobody known, so that many of those keep no agent out. False when there is none. */
  #makeRoom(): boolean {
    const known = new Set([...this.#open.values()].flatMap(({ isKnown, peer }) => (isKnown ? [peer] : [])));
    for (const [peer, socket] of this.#sockets) {
      if (known.has(peer) || socket.destroyed) continue;
      socket.destroy();
      this.#settings.metrics.connectionRefused('full');
      return true;
    }
    return false;
  }

  #session(session: ServerHttp2Session): void {
    const { limits, windowBytes, metrics } = this.#settings;
    const onCut = (reason: ConnectionRefusal) => metrics.connectionRefused(reason);
    this.#open.set(session, new Connection(session, { limits, windowBytes, onCut }, performance.now()));
    session.once('close', () => this.#open.delete(session));
  }

  #stream(stream: ServerHttp2Stream, pass: () => void): void {
    // grpc-js hears one error of the streams it gets. One that nobody hears would end the process.
    stream.on('error', () => {});
    const connection = stream.session === undefined ? undefined : this.#open.get(stream.session);
    // Reset already, or its connection was cut: there is nobody to answer.
    if (connection === undefined || stream.closed || stream.destroyed) return;
    if (!connection.open(stream, performance.now())) return;
    this.#opening = { connection, stream };
    try {
      pass();
    } finally {
      this.#opening = undefined;
    }
  }
}

/** Puts `listener` before the present listeners of an event, which hear of it only when it calls `pass`. */
function interpose<Subject>(
  server: EventEmitter,
  event: string,
  listener: (subject: Subject, pass: () => void) => void,
): void {
  const present = server.listeners(event);
  server.removeAllListeners(event);
  server.on(event, (subject: Subject, ...rest: unknown[]) => {
    listener(subject, () => {
      for (const one of present) one.call(server, subject, ...rest);
    });
  });
}
