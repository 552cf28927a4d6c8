import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { installDevice, type Link, type LinkEnd } from './link.ts';
import type { LinkCounts, LinkOrder } from './link-process.ts';
import type { LinkSpec } from './link-spec.ts';

const SCRIPT = fileURLToPath(new URL('link-process.ts', import.meta.url));

/** Two TUN devices and a process between them, for where Linux has no emulation of its own. */
export class TunLink implements Link {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  /** One question after the other. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  /** `names`: two that no interface of this namespace has; they are free again afterwards. */
  static async create(ends: readonly [LinkEnd, LinkEnd], names: readonly [string, string]): Promise<TunLink> {
    // A group of its own: Ctrl-C is for the bench, which ends this one when it no longer needs it.
    const options = { stdio: ['pipe', 'pipe', 'inherit'] as ['pipe', 'pipe', 'inherit'], detached: true };
    const child = spawn(process.execPath, [SCRIPT, ...names], options);
    child.stdin.on('error', () => {});
    const link = new TunLink(child, createInterface(child.stdout)[Symbol.asyncIterator]());
    try {
      await link.#answer();
      await installDevice(names[0], ends[0]);
      await installDevice(names[1], ends[1]);
      return link;
    } catch (error) {
      await link[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async shape(spec: LinkSpec | undefined): Promise<void> {
    await this.#ask({ shape: spec ?? null });
  }

  async counts(): Promise<LinkCounts> {
    return await this.#ask({});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  async #ask(order: Partial<LinkOrder>): Promise<LinkCounts> {
    const answer = this.#last.then(() => {
      this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
      return this.#answer();
    });
    this.#last = answer.catch(() => {});
    return await answer;
  }

  async #answer(): Promise<LinkCounts> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the process that carries the packets of a link has ended');
    return JSON.parse(value) as LinkCounts;
  }
}
