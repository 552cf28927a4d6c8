import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP way between two ends that are far from each other: what goes in at one side comes out at the other a
 * while later, and there is no limit to how much is between.
 */
export class DelayedLine implements AsyncDisposable {
  readonly #server: Server;
  readonly #delayMs: number;
  readonly #sockets: Socket[] = [];

  private constructor(port: number, delayMs: number) {
    this.#delayMs = delayMs;
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      this.#sockets.push(near, far);
      this.#carry(near, far);
      this.#carry(far, near);
    });
  }

  /** @param delayMs each way */
  static async start(port: number, delayMs: number): Promise<DelayedLine> {
    const line = new DelayedLine(port, delayMs);
    line.#server.listen(0, '127.0.0.1');
    await once(line.#server, 'listening');
    return line;
  }

  get address(): string {
    const address = this.#server.address();
    return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  /** TCP connections there have been. */
  get connections(): number {
    return this.#sockets.length / 2;
  }

  /** TCP connections that there are. */
  get open(): number {
    return this.#sockets.filter(({ destroyed }) => !destroyed).length / 2;
  }

  /** Breaks the connection that was made as number `index`. */
  cut(index: number): void {
    for (const socket of this.#sockets.slice(index * 2, index * 2 + 2)) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #carry(from: Socket, to: Socket): void {
    from.setNoDelay();
    // Timers of the same length go off in the order in which they were set.
    const later = (act: () => void) => void setTimeout(() => to.destroyed || act(), this.#delayMs);
    from.on('data', (bytes) => later(() => to.write(bytes)));
    from.on('end', () => later(() => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', (hadError) => {
      if (hadError) to.destroy();
    });
  }
}
