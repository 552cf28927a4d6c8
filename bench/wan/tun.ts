import { constants, openSync } from 'node:fs';
import koffi from 'koffi';

const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
/** `struct ifreq`: the name, then what is asked. */
const IFREQ_BYTES = 40;
const IFREQ_FLAGS_AT = 16;
/** Of `struct pollfd`. */
const POLL_BYTES = 8;
const POLL_EVENTS_AT = 4;
const POLL_FOUND_AT = 6;
const POLLIN = 1;

const libc = koffi.load('libc.so.6');
const ioctl = libc.func('int ioctl(int fd, unsigned long request, ...)');
const read = libc.func('long read(int fd, void *buffer, size_t count)');
const write = libc.func('long write(int fd, const void *buffer, size_t count)');
const ppoll = libc.func('int ppoll(void *fds, unsigned long count, void *timeout, void *mask)');

/** A network interface whose packets a process sees. It is gone when the process is. Needs root. */
export class TunDevice {
  readonly fd: number;

  /** `name`: of an interface that does not exist. Throws when Linux does not let us. */
  constructor(name: string) {
    this.fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write(name);
    request.writeUInt16LE(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, IFREQ_FLAGS_AT);
    check(ioctl(this.fd, TUNSETIFF, 'void *', request), `make the interface ${name}`);
  }

  /** Whether TCP's data may come in pieces that stand for many packets. */
  allowPieces(allowed: boolean): void {
    const offload = TUN_F_CSUM | (allowed ? TUN_F_TSO4 : 0);
    check(ioctl(this.fd, TUNSETOFFLOAD, 'unsigned long', offload), 'set what a TUN device cuts');
  }

  /** Length of a packet, with its header; 0 or less when none waits. */
  read(buffer: Buffer): number {
    return read(this.fd, buffer, buffer.length) as number;
  }

  /** False when the interface did not take it. */
  write(packet: Buffer): boolean {
    return write(this.fd, packet, packet.length) === packet.length;
  }
}

/** Waits until something can be read of one of them, or a time has passed. */
export class Readiness {
  readonly #fds: Buffer;
  readonly #count: number;
  readonly #timeout = Buffer.alloc(16);

  constructor(fds: readonly number[]) {
    this.#count = fds.length;
    this.#fds = Buffer.alloc(POLL_BYTES * fds.length);
    for (const [index, fd] of fds.entries()) {
      this.#fds.writeInt32LE(fd, index * POLL_BYTES);
      this.#fds.writeInt16LE(POLLIN, index * POLL_BYTES + POLL_EVENTS_AT);
    }
  }

  /** At most a second, and the whole thread waits. */
  wait(timeoutMs: number): void {
    const ns = Math.round(Math.min(999, Math.max(0, timeoutMs)) * 1e6);
    this.#timeout.writeBigInt64LE(BigInt(ns), 8);
    ppoll(this.#fds, this.#count, this.#timeout, null);
  }

  /** As of the last wait: something to read, or the end. */
  isReady(index: number): boolean {
    return this.#fds.readInt16LE(index * POLL_BYTES + POLL_FOUND_AT) !== 0;
  }
}

function check(result: unknown, what: string): void {
  if (result === 0) return;
  const errno = koffi.errno();
  const name = Object.entries(koffi.os.errno).find(([, number]) => number === errno)?.[0];
  throw new Error(`cannot ${what}: ${name ?? errno}`);
}
