import type { Socket } from 'node:net';
import koffi from 'koffi';
import { isLoopback } from '../config/address.ts';
import type { Log } from '../telemetry/log.ts';

/**
 * How sockets that send image data find out what a link carries. `auto`: by what it delivers (bbr), where the
 * system lets us and the link is a real one; `system`: as the system has it; otherwise the name of an algorithm.
 */
export type CongestionChoice = string;

/** Takes a lost packet for what it mostly is on a long way: a lost packet, and no sign of a full link. */
const FOR_FAR_LINKS = 'bbr';

// As of Linux, on every architecture that Node runs on.
const IPPROTO_TCP = 6;
const TCP_CONGESTION = 13;
const NAME_BYTES = 16;
const { ENOENT, EPERM } = koffi.os.errno;

/** What the kernel does for a socket, by the number of its file. */
export interface Kernel {
  /** 0, or an errno. */
  setCongestion(fd: number, name: string): number;
  /** Undefined when it does not say. */
  congestionOf(fd: number): string | undefined;
}

export interface CongestionParts {
  readonly choice: CongestionChoice;
  readonly log: Log;
  /** Default: Linux. */
  readonly kernel?: Kernel;
}

/** Gives sockets the congestion control that was chosen. What comes of it is said in the log, once. */
export class CongestionControl {
  readonly #parts: CongestionParts;
  readonly #said = new Set<string>();

  constructor(parts: CongestionParts) {
    this.#parts = parts;
  }

  /** For a socket that is connected and not closed. Never throws: without it a copy is slower, no more. */
  apply(socket: Socket): void {
    const { choice, log, kernel = linux() } = this.#parts;
    const isAuto = choice === 'auto';
    if (choice === 'system' || (isAuto && isNear(socket))) return;
    const wanted = isAuto ? FOR_FAR_LINKS : choice;
    const fd = fdOf(socket);
    if (fd === undefined || kernel === undefined) {
      this.#say('unknown', () => log.warn('this system does not let the congestion control be chosen'));
      return;
    }
    const errno = kernel.setCongestion(fd, wanted);
    const congestionControl = kernel.congestionOf(fd);
    if (errno === 0) {
      this.#say('set', () => log.info({ congestionControl }, `image data is sent with ${wanted}`));
      return;
    }
    const hint = hintFor(errno, wanted);
    const sentence = `image data is sent with ${congestionControl ?? 'what the system has'}, not with ${wanted}`;
    // Nobody asked for it by name: then it is no fault that it is not there.
    this.#say(`errno ${errno}`, () => log[isAuto ? 'info' : 'warn']({ congestionControl, hint }, sentence));
  }

  #say(outcome: string, say: () => void): void {
    if (this.#said.has(outcome)) return;
    this.#said.add(outcome);
    say();
  }
}

function hintFor(errno: number, name: string): string {
  if (errno === EPERM) {
    return `root can permit it: add ${name} to what \`sysctl net.ipv4.tcp_allowed_congestion_control\` shows`;
  }
  if (errno === ENOENT) return `the kernel does not have it: \`modprobe tcp_${name}\``;
  return `the system answers ${errno}`;
}

/** Data to a process of the same machine goes over no link. */
function isNear({ remoteAddress }: Socket): boolean {
  return remoteAddress === undefined || isLoopback({ host: remoteAddress.replace(/^::ffff:/, ''), port: 0 });
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
}

let loaded: Linux | undefined;

/** Undefined elsewhere than on Linux. */
export function linux(): Kernel | undefined {
  if (process.platform === 'linux') loaded ??= new Linux();
  return loaded;
}
