import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { namespacePath } from './namespaces.ts';
import type { SiteAnswer, SiteCalls, SiteQuestion } from './site-calls.ts';

const SCRIPT = fileURLToPath(new URL('site-process.ts', import.meta.url));
/** Daemons are killed, a cluster is stopped: ten seconds for each of its two. */
const STOP_MS = 30_000;

/** A process of ours in a namespace. Disposing of it ends it, and first what it started. */
export class Site implements AsyncDisposable {
  readonly name: string;
  readonly call: SiteCalls;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #asked = 0;

  constructor(name: string, namespace: string) {
    this.name = name;
    const command = [`--net=${namespacePath(namespace)}`, process.execPath, SCRIPT];
    // A group of its own: Ctrl-C is for the bench, which ends this one by letting go of it.
    this.#child = spawn('nsenter', command, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      detached: true,
    });
    this.#child.on('message', (answer: SiteAnswer) => this.#settle(answer));
    this.#child.on('error', () => this.#fail());
    this.#child.once('exit', () => this.#fail());
    this.call = new Proxy({} as SiteCalls, {
      get: (_, call) => (argument: unknown) => this.#ask(call as keyof SiteCalls, argument),
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasEnded) return;
    const gone = once(this.#child, 'exit');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    if (this.#child.connected) this.#child.disconnect();
    await gone;
    clearTimeout(late);
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined;
  }

  async #ask(call: keyof SiteCalls, argument: unknown): Promise<unknown> {
    if (this.#hasEnded || !this.#child.connected) throw new Error(`the site ${this.name} has ended`);
    const question: SiteQuestion = { id: this.#asked++, call, argument };
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(question.id, answer);
    this.#child.send(question);
    return await answer.promise;
  }

  #settle({ id, value, error }: SiteAnswer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(`at ${this.name}: ${error}`));
  }

  #fail(): void {
    for (const waiting of this.#waiting.values())
      waiting.reject(new Error(`the site ${this.name} has ended`));
    this.#waiting.clear();
  }
}
