import type { Socket } from 'node:net';
import { endianness } from 'node:os';
import koffi from 'koffi';

// As of Linux, on every architecture that Node runs on.
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const TCP_CONGESTION = 13;
const NAME_BYTES = 16;

// `tcpi_min_rtt` of `struct tcp_info` in linux/tcp.h: microseconds, all ones before the first measurement.
const MIN_RTT_AT = 148;
const INFO_BYTES = MIN_RTT_AT + 4;
const NOT_MEASURED = 0xffff_ffff;

/** What the kernel does for a socket, by the number of its file. */
export interface Kernel {
  /** 0, or an errno. */
  setCongestion(fd: number, name: string): number;
  /** Undefined when it does not say. */
  congestionOf(fd: number): string | undefined;
  /** The shortest that it saw: to the other end of the TCP connection, which may be a proxy's. Undefined when it does not say. */
  roundTripMs(fd: number): number | undefined;
}

/** A socket's number is a private member of Node's; a test holds that it is there. */
export function fdOf(socket: Socket): number | undefined {
  const fd = (socket as unknown as { _handle?: { fd?: unknown } })._handle?.fd;
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

class Linux implements Kernel {
  readonly #set: (fd: number, level: number, option: number, value: Uint8Array, length: number) => number;
  readonly #get: (fd: number, level: number, option: number, value: Uint8Array, length: [number]) => number;

  constructor() {
    const libc = koffi.load(null);
    this.#set = libc.func(
      'int setsockopt(int fd, int level, int option, const void *value, uint32_t length)',
    ) as never;
    this.#get = libc.func(
      'int getsockopt(int fd, int level, int option, _Out_ void *value, _Inout_ uint32_t *length)',
    ) as never;
  }

  setCongestion(fd: number, name: string): number {
    const bytes = Buffer.from(name);
    return this.#set(fd, IPPROTO_TCP, TCP_CONGESTION, bytes, bytes.length) === 0 ? 0 : koffi.errno();
  }

  congestionOf(fd: number): string | undefined {
    const bytes = Buffer.alloc(NAME_BYTES);
    if (this.#get(fd, IPPROTO_TCP, TCP_CONGESTION, bytes, [bytes.length]) !== 0) return undefined;
    const end = bytes.indexOf(0);
    return bytes.toString('latin1', 0, end === -1 ? undefined : end);
  }

  roundTripMs(fd: number): number | undefined {
    const info = new DataView(new ArrayBuffer(INFO_BYTES));
    const bytes = new Uint8Array(info.buffer);
    const length: [number] = [bytes.length];
    if (this.#get(fd, IPPROTO_TCP, TCP_INFO, bytes, length) !== 0 || length[0] < bytes.length)
      return undefined;
    // In the byte order of the machine.
    const micros = info.getUint32(MIN_RTT_AT, endianness() === 'LE');
    return micros === NOT_MEASURED ? undefined : micros / 1000;
  }
}

let loaded: Linux | undefined;

/** Undefined elsewhere than on Linux. */
export function linux(): Kernel | undefined {
  if (process.platform === 'linux') loaded ??= new Linux();
  return loaded;
}
