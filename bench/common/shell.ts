import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { processTree } from './procfs.ts';

/** Of what a program says before it fails, the end is told. */
const TOLD_CHARACTERS = 2000;
/** Far more than any answer that is waited for. */
const KEPT_CHARACTERS = 1_000_000;

/** A line of bash, run at once. A pipe fails when any part of it does. */
export class ShellCommand {
  readonly #child: ChildProcess;
  readonly #line: string;
  readonly #ended: Promise<unknown>;
  #output = '';
  #errors = '';

  constructor(line: string) {
    this.#line = line;
    this.#child = spawn('bash', ['-o', 'pipefail', '-c', line], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#ended = once(this.#child, 'close');
    // Whoever waits for the end is told; until then it is not unhandled.
    this.#ended.catch(() => {});
    this.#child.stdout?.on('data', (data) => {
      this.#output = `${this.#output}${data}`.slice(-KEPT_CHARACTERS);
    });
    this.#child.stderr?.on('data', (data) => {
      this.#errors = `${this.#errors}${data}`.slice(-TOLD_CHARACTERS);
    });
  }

  /** Undefined after it has ended. */
  get pid(): number | undefined {
    return this.#child.exitCode === null && this.#child.signalCode === null ? this.#child.pid : undefined;
  }

  /** The end of what it printed. Rejects when it failed, and when it was killed because of the signal. */
  async ended(signal: AbortSignal): Promise<string> {
    const kill = () => killTree(this.pid);
    signal.addEventListener('abort', kill, { once: true });
    if (signal.aborted) kill();
    try {
      await this.#ended;
    } finally {
      signal.removeEventListener('abort', kill);
    }
    signal.throwIfAborted();
    if (this.#child.exitCode === 0) return this.#output;
    throw new Error(`${this.#line}\nended with ${this.#child.exitCode}: ${this.#errors.trim()}`);
  }
}

export async function runShell(line: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  return await new ShellCommand(line).ended(signal);
}

/** SIGKILL to a process and all below it. */
export function killTree(pid: number | undefined): void {
  if (pid === undefined) return;
  for (const one of processTree(pid)) {
    try {
      process.kill(one, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}
