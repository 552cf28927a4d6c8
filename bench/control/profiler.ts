import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Between two samples, microseconds: ten times what V8 does by itself, which slows a busy hub down by a tenth. */
const SAMPLE_US = 1000;

/** For the debugger of the hub to be there. */
const CONNECT_TRIES = 100;
const CONNECT_EVERY_MS = 50;

/** Takes CPU profiles of a process that was started with `--inspect`, part by part. Disposing of it leaves the process alone. */
export class Profiler implements Disposable {
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #signal: AbortSignal;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #lastId = 0;

  private constructor(folder: string, socket: WebSocket, signal: AbortSignal) {
    this.#signal = signal;
    this.#folder = folder;
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
      if (id === undefined) return;
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  /** Of the process whose debugger listens at this port of the loopback. */
  static async connect(port: number, folder: string, signal: AbortSignal): Promise<Profiler> {
    await mkdir(resolve(folder), { recursive: true });
    const socket = new WebSocket(await debuggerUrl(port));
    await new Promise((open, reject) => {
      socket.addEventListener('open', open, { once: true });
      socket.addEventListener('error', () => reject(new Error('the debugger of the hub does not answer')), {
        once: true,
      });
    });
    const profiler = new Profiler(resolve(folder), socket, signal);
    await profiler.#ask('Profiler.enable');
    await profiler.#ask('Profiler.setSamplingInterval', { interval: SAMPLE_US });
    return profiler;
  }

  /** What `work` comes to; `<name>.cpuprofile` says what the process did meanwhile. */
  async during<T>(name: string, work: () => Promise<T>): Promise<T> {
    await this.#ask('Profiler.start');
    try {
      return await work();
    } finally {
      // Who does not want to wait does not want to wait for a busy hub either.
      if (!this.#signal.aborted) await this.#save(name);
    }
  }

  async #save(name: string): Promise<void> {
    const { profile } = (await this.#ask('Profiler.stop')) as { profile: unknown };
    await writeFile(join(this.#folder, `${name}.cpuprofile`), JSON.stringify(profile));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#lastId;
    const { promise, resolve: answered } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answered);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return promise;
  }
}

async function debuggerUrl(port: number): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/json/list`);
      const [target] = (await answer.json()) as { webSocketDebuggerUrl: string }[];
      if (target !== undefined) return target.webSocketDebuggerUrl;
    } catch (error) {
      if (tries === CONNECT_TRIES) throw error;
    }
    await delay(CONNECT_EVERY_MS);
  }
}
