import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

const PIECE_BYTES = 256 * 1024;
const PORT = 7500;

/** Where a receiver listens. */
export interface TcpPlace {
  readonly address: string;
  readonly port: number;
}

/** Takes what comes on connections and keeps nothing of it. */
export class TcpReceiver implements AsyncDisposable {
  readonly place: TcpPlace;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, place: TcpPlace) {
    this.#server = server;
    this.place = place;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => this.#sockets.delete(socket));
      // All of it has come: the other side's end is answered with our own, which is the receipt.
      socket.resume();
    });
  }

  static async start(address: string): Promise<TcpReceiver> {
    const server = createServer().listen(PORT, address);
    await once(server, 'listening');
    return new TcpReceiver(server, { address, port: PORT });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export interface TcpJob extends TcpPlace {
  readonly connections: number;
  /** Of all connections together: each takes from what is left whenever it has room. */
  readonly bytes: number;
}

/** Resolves when the receiver has had the last byte. Rejects when a connection breaks. */
export async function sendByTcp({ address, port, connections, bytes }: TcpJob): Promise<void> {
  const piece = randomBytes(PIECE_BYTES);
  let left = bytes;
  const send = async () => {
    const socket = connect({ host: address, port });
    await once(socket, 'connect');
    const receipt = once(socket.resume(), 'end');
    // What breaks the connection is told by whatever waits for it first.
    receipt.catch(() => {});
    while (left > 0) {
      const length = Math.min(left, piece.length);
      left -= length;
      if (!socket.write(piece.subarray(0, length))) await once(socket, 'drain');
    }
    socket.end();
    await receipt;
  };
  await Promise.all(Array.from({ length: connections }, send));
}
