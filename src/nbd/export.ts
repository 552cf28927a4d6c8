import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { Refusal } from '../domain/refusal.ts';
import { Connection } from './connection.ts';
import { shakeHands } from './handshake.ts';
import { MAX_PAYLOAD_BYTES } from './protocol.ts';
import { MAX_IN_FLIGHT, type NbdSink, Transmission } from './transmission.ts';

/** What an export holds at most: the requests under way, the one being read, and what the socket had for it. */
export const MAX_HELD_BYTES = (MAX_IN_FLIGHT + 1) * MAX_PAYLOAD_BYTES + 128 * 1024;

/** sun_path of unix(7), less its closing zero. */
const MAX_PATH_BYTES = 107;

export interface NbdExportParts {
  /** Made when it listens, for its owner only, and removed with the first connection. At most 107 bytes. */
  readonly socketPath: string;
  readonly sizeBytes: number;
  readonly sink: NbdSink;
}

/**
 * One image, offered over NBD to one program on this machine, which writes it without knowing where it
 * lies nor how to get there. It serves a single connection and is then done with.
 */
export class NbdExport implements AsyncDisposable {
  readonly #socketPath: string;
  readonly #sizeBytes: number;
  readonly #sink: NbdSink;
  readonly #server: Server;
  #socket: Socket | undefined;
  #served: Promise<void> | undefined;
  #tookLeave = false;
  #failure: Refusal | undefined;

  constructor({ socketPath, sizeBytes, sink }: NbdExportParts) {
    this.#socketPath = socketPath;
    this.#sizeBytes = sizeBytes;
    this.#sink = sink;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** What went wrong first: an error of the sink, as it was thrown, or a client that broke the protocol. */
  get failure(): Refusal | undefined {
    return this.#failure;
  }

  /** Settles when a client can connect. INVALID when the path is too long for a socket. */
  async listen(): Promise<void> {
    if (Buffer.byteLength(this.#socketPath) > MAX_PATH_BYTES) {
      throw new Refusal('INVALID', `the path of a socket has more than ${MAX_PATH_BYTES} bytes`, {
        hint: `set staging.folder in the configuration of the agent to a shorter path: sockets are made there, as ${this.#socketPath}`,
      });
    }
    try {
      this.#server.listen(this.#socketPath);
      await once(this.#server, 'listening');
      await chmod(this.#socketPath, 0o600);
    } catch (cause) {
      throw new Refusal('INTERNAL', `cannot listen at ${this.#socketPath}: ${(cause as Error).message}`, {
        cause,
      });
    }
    this.#server.on('error', (error) => this.#fail(error));
  }

  /**
   * To be called once the client's process has ended: settles when all it wrote is in the sink, and flushed.
   * Rejects with `failure`, or with INTERNAL when no client came or it left without taking its leave.
   */
  async finish(): Promise<void> {
    await this.#served;
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#tookLeave) throw new Refusal('INTERNAL', 'the NBD client left before it was done');
    await this.#sink.flush();
  }

  /** Cuts the client off. The sink is left alone when it settles. May be called twice. */
  async close(): Promise<void> {
    this.#server.close();
    this.#socket?.destroy();
    await this.#served;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(socket: Socket): void {
    // Closing removes the path; the connection that is there stays.
    this.#server.close();
    if (this.#socket !== undefined) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    // Reading and writing reject with it; without a listener it would end the process.
    socket.on('error', () => undefined);
    this.#served = this.#serve(socket);
  }

  async #serve(socket: Socket): Promise<void> {
    const connection = new Connection(socket);
    const transmission = new Transmission({
      connection,
      sizeBytes: this.#sizeBytes,
      sink: this.#sink,
      onSinkError: (error) => this.#fail(error),
    });
    try {
      if (await shakeHands(connection, this.#sizeBytes)) this.#tookLeave = await transmission.serve();
    } catch (error) {
      // A socket that breaks is a client that is gone: `finish` says so.
      if (error instanceof Refusal) this.#fail(error);
    } finally {
      socket.destroy();
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= Refusal.from(error);
  }
}
