import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const ENTREPOT = fileURLToPath(new URL('../../bin/entrepot.cjs', import.meta.url));

/** Start of a daemon on a busy machine of two cores, with a cluster beside it. */
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

export interface DaemonOptions {
  /** For messages: `hub`, `agent dcn0`. */
  readonly name: string;
  /** Of `entrepot`: `hub --config F`. */
  readonly arguments: readonly string[];
  readonly httpPort: number;
  /** Standard output and error, appended over restarts. */
  readonly logPath: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A real hub or agent process, as an operator runs it. */
export class DaemonProcess {
  readonly options: DaemonOptions;
  #child: ChildProcess | undefined;

  constructor(options: DaemonOptions) {
    this.options = options;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.options.name} is not running`);
    return pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts the process; does not wait for it. */
  spawn(): void {
    const log = openSync(this.options.logPath, 'a', 0o600);
    try {
      this.#child = spawn(process.execPath, [ENTREPOT, ...this.options.arguments], {
        stdio: ['ignore', log, log],
        env: { ...process.env, ...this.options.env },
      });
    } finally {
      closeSync(log);
    }
  }

  /** Starts the process and waits until it says that it is ready. */
  async start(): Promise<void> {
    this.spawn();
    await this.ready();
  }

  async ready(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (let detail = 'not listening'; ; ) {
      if (!this.isRunning) throw new Error(`${this.options.name} ended: ${this.#tail()}`);
      try {
        const answer = await fetch(`http://127.0.0.1:${this.options.httpPort}/readyz`);
        detail = await answer.text();
        if (answer.ok) return;
      } catch {
        // Not listening yet.
      }
      if (Date.now() > deadline)
        throw new Error(`${this.options.name} is not ready: ${detail} ${this.#tail()}`);
      await delay(POLL_MS);
    }
  }

  /** Ends the process as an operator would, and waits for it. */
  async stop(): Promise<number | null> {
    return this.kill('SIGTERM');
  }

  /** Sends a signal and waits until the process is gone; the exit code, null when the signal ended it. */
  async kill(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return child?.exitCode ?? null;
    const gone = once(child, 'exit');
    child.kill(signal);
    const late = AbortSignal.timeout(STOP_TIMEOUT_MS);
    late.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
    await gone;
    if (late.aborted) throw new Error(`${this.options.name} did not end after ${signal}: ${this.#tail()}`);
    return child.exitCode;
  }

  /** Every line it has logged, over all its starts. */
  log(): string {
    return readFileSync(this.options.logPath, 'utf8');
  }

  async metrics(): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.options.httpPort}/metrics`);
    return answer.text();
  }

  #tail(): string {
    return this.log().split('\n').slice(-6).join('\n');
  }
}
