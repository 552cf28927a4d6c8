import type { Socket } from 'node:net';

/** The client's bytes, asked for piece by piece: what is not asked for stays in the kernel. */
export class Connection {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** The next `length` bytes, as a buffer of their own; undefined when the client has gone before all were there. */
  async take(length: number): Promise<Buffer | undefined> {
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let done = 0; done < length; ) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) return undefined;
        this.#rest = next.value;
      }
      const copied = this.#rest.copy(bytes, done, 0, length - done);
      this.#rest = this.#rest.subarray(copied);
      done += copied;
    }
    return bytes;
  }

  /** Settles when the bytes are with the kernel: a client that does not read is not answered into our memory. */
  async send(...pieces: readonly Uint8Array[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const settle = (error?: Error | null) => (error ? reject(error) : resolve());
    this.#socket.cork();
    for (const piece of pieces.slice(0, -1)) this.#socket.write(piece);
    this.#socket.write(pieces.at(-1) ?? Buffer.alloc(0), settle);
    this.#socket.uncork();
    await promise;
  }
}
