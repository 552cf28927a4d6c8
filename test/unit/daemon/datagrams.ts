import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';

const [AF_UNIX, SOCK_DGRAM, SOL_SOCKET, SO_RCVTIMEO] = [1, 2, 1, 20];
/** An agent that was refused some times dials again after up to 15 s. */
const RECEIVE_TIMEOUT_SECONDS = 30;

/** A unix datagram socket, as a service manager has one; node itself has none. */
export class Datagrams implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string;
  readonly #libc = libc();
  readonly #fd: number;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 'notify');
    this.#fd = this.#libc.socket(AF_UNIX, SOCK_DGRAM, 0);
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(BigInt(RECEIVE_TIMEOUT_SECONDS));
    this.#libc.setsockopt(this.#fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length);
    const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(`${this.path}\0`)]);
    if (this.#libc.bind(this.#fd, address, address.length) !== 0) throw new Error('cannot bind');
  }

  static async bind(): Promise<Datagrams> {
    return new Datagrams(await mkdtemp(join(tmpdir(), 'entrepot-notify-')));
  }

  /** The next one; rejects when none comes. */
  async receive(): Promise<string> {
    const buffer = Buffer.alloc(4096);
    const length = await new Promise<number>((resolve, reject) => {
      this.#libc.recv.async(
        this.#fd,
        buffer,
        buffer.length,
        0,
        (error: Error | null, result: number | bigint) => (error ? reject(error) : resolve(Number(result))),
      );
    });
    if (length < 0) throw new Error(`nothing came within ${RECEIVE_TIMEOUT_SECONDS} s`);
    return buffer.toString('utf8', 0, length);
  }

  /** The next one that is not `skipped`. */
  async receiveAfter(skipped: string): Promise<string> {
    let text = await this.receive();
    while (text === skipped) text = await this.receive();
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#libc.close(this.#fd);
    await rm(this.#folder, { recursive: true });
  }
}

function libc() {
  const library = koffi.load(null);
  return {
    socket: library.func('int socket(int domain, int type, int protocol)'),
    bind: library.func('int bind(int fd, const void *address, uint32_t length)'),
    setsockopt: library.func(
      'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
    ),
    recv: library.func('int64_t recv(int fd, void *buffer, size_t length, int flags)'),
    close: library.func('int close(int fd)'),
  };
}
