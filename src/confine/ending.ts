import { Refusal } from '../domain/refusal.ts';
import type { Limits } from './limits.ts';

/** How a program ended, other than well. */
export interface Ending {
  readonly program: string;
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** The last of what it said. */
  readonly stderr: string;
}

/** The program said no: what it means, its caller knows. */
export class ProgramFailedError extends Error {
  override readonly name = 'ProgramFailedError';
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stderr: string;

  constructor({ program, exitCode, signal, stderr }: Ending) {
    super(`${program} ended with ${signal ?? `exit code ${exitCode}`}`);
    this.exitCode = exitCode;
    this.signal = signal;
    this.stderr = stderr;
  }
}

/** As the loader, glibc, GLib, qemu and xz have it; a thread that cannot be started is mostly a stack that cannot be mapped. */
const OUT_OF_MEMORY =
  /cannot allocate memory|failed to map segment|failed to allocate|out of memory|memory exhausted|thread_create: Resource temporarily/i;

/** What to tell of a program's bad end: a Refusal where a limit was hit, else a ProgramFailedError. */
export function failureOf(ending: Ending, { memoryBytes, cpuSeconds, processes }: Limits): Error {
  const { program, signal, stderr } = ending;
  if (signal === 'SIGXCPU') {
    return new Refusal('INVALID', `${program} used up the ${cpuSeconds} s of CPU time that it may take`, {
      hint: 'raise the limit of CPU time in the configuration of the agent, or bring the image as raw data',
    });
  }
  if (OUT_OF_MEMORY.test(stderr)) {
    const mib = Math.floor(memoryBytes / 1024 ** 2);
    return new Refusal('INVALID', `${program} needs more than the ${mib} MiB of memory that it may take`, {
      hint: `raise the limit of memory (or of processes, ${processes}) in the configuration of the agent, or bring the image as raw data`,
    });
  }
  if (signal === 'SIGXFSZ') {
    return new Refusal('INTERNAL', `${program} tried to write a file`);
  }
  if (signal === 'SIGKILL') {
    // Not by us: mostly the kernel, out of memory, and then for a reason that may pass.
    return new Refusal('UNAVAILABLE', `${program} was killed by the system`, {
      hint: '`dmesg` tells whether memory ran out',
    });
  }
  return new ProgramFailedError(ending);
}
