import { Refusal } from '../domain/refusal.ts';
import type { Connection } from './connection.ts';
import {
  Command,
  Errno,
  KNOWN_COMMAND_FLAGS,
  MAX_PAYLOAD_BYTES,
  parseRequest,
  REQUEST_BYTES,
  type Request,
  reply,
} from './protocol.ts';

/** Requests that are being worked on; the next one is read when there are fewer. */
export const MAX_IN_FLIGHT = 8;

const OFFERED: ReadonlySet<number> = new Set(Object.values(Command));

/** What the client writes to, and reads back. Every range lies inside the export. Rejects with a Refusal. */
export interface NbdSink {
  /** Fills `target`, with zeros where nothing was written. */
  read(offset: number, target: Uint8Array): Promise<void>;
  /** `bytes` are the sink's to keep. */
  write(offset: number, bytes: Buffer): Promise<void>;
  /** The range reads as zeros; nothing to do where nothing was written. */
  zero(offset: number, lengthBytes: number): Promise<void>;
  /** All writes that have settled are on disk. */
  flush(): Promise<void>;
}

export interface TransmissionParts {
  readonly connection: Connection;
  readonly sizeBytes: number;
  readonly sink: NbdSink;
  /** Told of every error of the sink, besides the client. */
  readonly onSinkError: (error: unknown) => void;
}

/** The part of a connection that carries requests. Each is answered when the sink is done with it, in any order. */
export class Transmission {
  readonly #connection: Connection;
  readonly #sizeBytes: number;
  readonly #sink: NbdSink;
  readonly #onSinkError: (error: unknown) => void;
  readonly #running = new Set<Promise<void>>();
  #broken = false;

  constructor({ connection, sizeBytes, sink, onSinkError }: TransmissionParts) {
    this.#connection = connection;
    this.#sizeBytes = sizeBytes;
    this.#sink = sink;
    this.#onSinkError = onSinkError;
  }

  /**
   * Serves requests until the client leaves: true when it said so, false when it was gone. Nothing is under
   * way any more when it settles. INVALID for a client that does not speak the protocol.
   */
  async serve(): Promise<boolean> {
    try {
      for (;;) {
        while (this.#running.size >= MAX_IN_FLIGHT) await Promise.race(this.#running);
        const header = this.#broken ? undefined : await this.#connection.take(REQUEST_BYTES);
        if (header === undefined) return false;
        const request = parseRequest(header);
        if (request === undefined) throw malformed('a request without its magic number');
        if (request.command === Command.DISC) return true;
        const payload = await this.#payloadOf(request);
        if (payload === undefined) return false;
        const running = this.#answer(request, payload).finally(() => this.#running.delete(running));
        this.#running.add(running);
      }
    } finally {
      await Promise.all(this.#running);
    }
  }

  async #payloadOf({ command, length }: Request): Promise<Buffer | undefined> {
    // What a command brings that is not known, is not known either.
    if (!OFFERED.has(command)) throw malformed(`command ${command}`);
    if (command !== Command.WRITE || length === 0) return Buffer.alloc(0);
    // To refuse it, it would have to be read.
    if (length > MAX_PAYLOAD_BYTES) throw malformed(`a write of ${length} bytes`);
    return await this.#connection.take(length);
  }

  /** Never rejects: the client that cannot be answered is gone. */
  async #answer(request: Request, payload: Buffer): Promise<void> {
    let errno: number = Errno.NONE;
    let data: Buffer = Buffer.alloc(0);
    try {
      if (this.#isSound(request)) data = await this.#perform(request, payload);
      else errno = Errno.EINVAL;
    } catch (error) {
      this.#onSinkError(error);
      errno = Refusal.from(error).code === 'NO_SPACE' ? Errno.ENOSPC : Errno.EIO;
    }
    try {
      await this.#connection.send(reply(request.cookie, errno), data);
    } catch {
      this.#broken = true;
    }
  }

  #isSound({ command, flags, offset, length }: Request): boolean {
    if ((flags & ~KNOWN_COMMAND_FLAGS) !== 0) return false;
    if (command === Command.FLUSH) return true;
    if (command === Command.READ && length > MAX_PAYLOAD_BYTES) return false;
    return offset + BigInt(length) <= BigInt(this.#sizeBytes);
  }

  /** What a read has found; nothing for all others. */
  async #perform(request: Request, payload: Buffer): Promise<Buffer> {
    const offset = Number(request.offset);
    const { command, length } = request;
    switch (command) {
      case Command.READ:
        return await this.#read(offset, length);
      case Command.WRITE:
        if (length > 0) await this.#sink.write(offset, payload);
        break;
      case Command.WRITE_ZEROES:
        if (length > 0) await this.#sink.zero(offset, length);
        break;
      case Command.FLUSH:
        await this.#sink.flush();
        break;
    }
    // TRIM: the client no longer cares what is there.
    return Buffer.alloc(0);
  }

  async #read(offset: number, length: number): Promise<Buffer> {
    const target = Buffer.alloc(length);
    if (length > 0) await this.#sink.read(offset, target);
    return target;
  }
}

function malformed(what: string): Refusal {
  return new Refusal('INVALID', `the NBD client does not keep to the protocol: ${what}`);
}
