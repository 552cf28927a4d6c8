import type { Socket } from 'node:net';
import koffi from 'koffi';
import { isLoopback } from '../config/address.ts';
import type { Log } from '../telemetry/log.ts';
import { fdOf, type Kernel, linux } from './kernel-socket.ts';

/**
 * How sockets that send image data find out what a link carries. `auto`: by what it delivers (bbr), where the
 * system lets us and the link is a real one; `system`: as the system has it; otherwise the name of an algorithm.
 */
export type CongestionChoice = string;

/** Takes a lost packet for what it mostly is on a long way: a lost packet, and no sign of a full link. */
const FOR_FAR_LINKS = 'bbr';

const { ENOENT, EPERM } = koffi.os.errno;

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
