import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { OPTION_MAGIC, REQUEST_MAGIC } from '../../../src/nbd/protocol.ts';

/** A client that says what it is told to, right or wrong. */
export class NbdClient implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  static async connect(path: string): Promise<NbdClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    return new NbdClient(socket);
  }

  /** Greets, and agrees on the export as qemu does. */
  static async ready(path: string): Promise<NbdClient> {
    const client = await NbdClient.connect(path);
    await client.take(18);
    client.say(Buffer.from([0, 0, 0, 3]), option(7, Buffer.alloc(6)));
    // EXPORT, BLOCK_SIZE, ACK.
    await client.take(20 + 12 + 20 + 14 + 20);
    return client;
  }

  say(...pieces: Uint8Array[]): void {
    this.#socket.write(Buffer.concat(pieces));
  }

  /** What was said and is no longer here, but with the server or on the way to it. */
  get sentBytes(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  /** The next `length` bytes, or fewer when the server hangs up. */
  async take(length: number): Promise<Buffer> {
    while (this.#rest.length < length) {
      const next = await this.#chunks.next().catch(() => ({ done: true, value: undefined }) as const);
      if (next.done === true) break;
      this.#rest = Buffer.concat([this.#rest, next.value]);
    }
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }

  /** The errno of the next reply, which must be to `cookie`. */
  async errno(): Promise<{ readonly cookie: bigint; readonly errno: number }> {
    const reply = await this.take(16);
    return { cookie: reply.readBigUInt64BE(8), errno: reply.readUInt32BE(4) };
  }

  /** Hangs up, and settles when the server has too. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.end();
    await this.take(Number.POSITIVE_INFINITY);
  }
}

export function option(number: number, data: Uint8Array): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64BE(OPTION_MAGIC, 0);
  head.writeUInt32BE(number, 8);
  head.writeUInt32BE(data.length, 12);
  return Buffer.concat([head, data]);
}

export interface Told {
  readonly command: number;
  readonly offset?: bigint;
  readonly length?: number;
  readonly cookie?: bigint;
  readonly flags?: number;
}

export function request({ command, offset = 0n, length = 0, cookie = 1n, flags = 0 }: Told): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt32BE(REQUEST_MAGIC, 0);
  bytes.writeUInt16BE(flags, 4);
  bytes.writeUInt16BE(command, 6);
  bytes.writeBigUInt64BE(cookie, 8);
  bytes.writeBigUInt64BE(offset, 16);
  bytes.writeUInt32BE(length, 24);
  return bytes;
}
