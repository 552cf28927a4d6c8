import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Comparison, LibrbdRequest } from './librbd-request.ts';

const SCRIPT = fileURLToPath(new URL('librbd-process.ts', import.meta.url));

/** Work with librbd in a process of its own, which is ready to begin. */
export class Librbd implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #go: () => void;
  readonly #what: string;

  private constructor(request: LibrbdRequest, signal: AbortSignal) {
    const child = spawn(process.execPath, [SCRIPT, JSON.stringify(request)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
      signal,
      killSignal: 'SIGKILL',
    });
    // What it ended with is told by its lines, which stop.
    child.on('error', () => {});
    child.stdin.on('error', () => {});
    this.#go = () => child.stdin.end('go\n');
    this.#child = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    this.#what = `${request.work} of image ${request.imageId}`;
  }

  static async start(request: LibrbdRequest, signal: AbortSignal): Promise<Librbd> {
    signal.throwIfAborted();
    const started = new Librbd(request, signal);
    await started.#nextLine();
    signal.throwIfAborted();
    return started;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async run(): Promise<Partial<Comparison>> {
    this.#go();
    return JSON.parse(await this.#nextLine()) as Partial<Comparison>;
  }

  /** Waits until it has ended by itself. Only after `run`. */
  async end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    if (this.#child.exitCode !== 0) throw new Error(`${this.#what} ended with ${this.#child.exitCode}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined)
      return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  async #nextLine(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the ${this.#what} through librbd failed`);
    return value;
  }
}

/** All of it: start, run, end. */
export async function withLibrbd(request: LibrbdRequest, signal: AbortSignal): Promise<Partial<Comparison>> {
  await using librbd = await Librbd.start(request, signal);
  const answer = await librbd.run();
  await librbd.end();
  return answer;
}
