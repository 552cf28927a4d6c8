import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** A process of its own running a script of this folder with our Node. Killed at the end of the block. */
export class Script implements AsyncDisposable {
  readonly #child;
  readonly #lines;

  constructor(script: string, args: readonly string[]) {
    this.#child = spawn(process.execPath, [path.join(import.meta.dirname, script), ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async nextLine(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the script ended without a word');
    return value;
  }

  ask(line: string): Promise<string> {
    this.#child.stdin.write(`${line}\n`);
    return this.nextLine();
  }

  /** Says this last line and waits for the process to end by itself. */
  async end(line: string): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.stdin.write(`${line}\n`);
    await gone;
  }

  /** As a power cut would. Resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
