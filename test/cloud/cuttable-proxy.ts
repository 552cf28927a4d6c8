import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 10;

/**
 * A TCP way between two processes that counts what goes over it, and that a test can hold still
 * at a byte or cut. What it holds is neither lost nor forwarded: the line is silent, not closed.
 */
export class CuttableProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #port = 0;
  #isCut = false;
  /** Bytes that may still go over, both ways together. */
  #allowedBytes = Number.POSITIVE_INFINITY;
  #forwardedBytes = 0;
  #changed = Promise.withResolvers<void>();

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((dialled) => this.#connect(dialled));
  }

  /** Listens on the loopback; dials `port` there once for each connection. */
  static async start(port: number): Promise<CuttableProxy> {
    const proxy = new CuttableProxy({ host: '127.0.0.1', port });
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    const address = proxy.#server.address();
    proxy.#port = typeof address === 'object' && address !== null ? address.port : 0;
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Both ways together, since the start. */
  get forwardedBytes(): number {
    return this.#forwardedBytes;
  }

  /** Lets so many more bytes over, then none until `release`. */
  holdAfter(bytes: number): void {
    this.#allowedBytes = bytes;
    this.#wake();
  }

  /** Settles when all that `holdAfter` allowed has gone over. */
  async held(timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (this.#allowedBytes > 0) {
      if (Date.now() > deadline) throw new Error(`${this.#allowedBytes} bytes have not come yet`);
      await delay(POLL_MS);
    }
  }

  release(): void {
    this.#allowedBytes = Number.POSITIVE_INFINITY;
    this.#wake();
  }

  /** Breaks all connections, and takes none until `mend`. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#wake();
  }

  mend(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connect(dialled: Socket): void {
    if (this.#isCut) {
      dialled.resetAndDestroy();
      return;
    }
    const target = connect(this.#target);
    for (const [socket, other] of [
      [dialled, target],
      [target, dialled],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('drain', () => this.#wake());
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
        this.#wake();
      });
      // What breaks a connection is told by its sockets.
      this.#forward(socket, other).catch(() => undefined);
    }
  }

  async #forward(from: Socket, to: Socket): Promise<void> {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      for (let rest = chunk; rest.length > 0; ) {
        while (this.#allowedBytes <= 0 && !to.destroyed) await this.#changed.promise;
        if (to.destroyed) return;
        const part = rest.subarray(0, Math.min(rest.length, this.#allowedBytes));
        rest = rest.subarray(part.length);
        this.#allowedBytes -= part.length;
        this.#forwardedBytes += part.length;
        to.write(part);
        while (to.writableNeedDrain && !to.destroyed) await this.#changed.promise;
      }
    }
    to.end();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
