import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { runCommandLine } from '../../../src/cli/main.ts';
import { type Bench, type Given, serve } from '../rpc/harness.ts';

const EXECUTABLE = fileURLToPath(new URL('../../../bin/entrepot.cjs', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

/** The executable as a person starts it. */
export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, [EXECUTABLE, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const code = new Promise<number | null>((resolve) => child.on('close', resolve));
  // A reader that a test took away has read nothing.
  const stdoutText = text(child.stdout).catch(() => '');
  const outcome = Promise.all([code, stdoutText, text(child.stderr)]).then(([exitCode, stdout, stderr]) => ({
    code: exitCode,
    stdout,
    stderr,
  }));
  return { child, outcome };
}

/** The same command line within this process: quicker, and all there is to most tests. */
export async function entrepot(...args: readonly string[]): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  const streams = {
    stdout: { write: (written: string) => (stdout += written) },
    stderr: { write: (written: string) => (stderr += written) },
  };
  const noDaemon = async () => {
    throw new Error('daemons are not run within a test process');
  };
  const code = await runCommandLine(args, streams, { runHub: noDaemon, runAgent: noDaemon });
  return { code, stdout, stderr };
}

/** A hub of hand-written answers on a free port, and commands run against it. */
export class FakeHub implements AsyncDisposable {
  readonly #bench: Bench;

  private constructor(bench: Bench) {
    this.#bench = bench;
  }

  static async with(given: Given): Promise<FakeHub> {
    return new FakeHub(await serve(given));
  }

  get address(): string {
    return `127.0.0.1:${this.#bench.port}`;
  }

  /** As a process. */
  start(...args: readonly string[]): Running {
    return start(args, { ENTREPOT_HUB: this.address });
  }

  /** Within this process. */
  run(...args: readonly string[]): Promise<Outcome> {
    return entrepot('--hub', this.address, ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bench[Symbol.asyncDispose]();
  }
}

/** A folder that is gone afterwards. */
export class Folder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<Folder> {
    return new Folder(await mkdtemp(join(tmpdir(), 'entrepot-cli-')));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
