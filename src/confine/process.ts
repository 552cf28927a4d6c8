import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { Refusal } from '../domain/refusal.ts';
import { failureOf } from './ending.ts';
import { KeptText } from './kept-text.ts';
import type { Limits } from './limits.ts';

export interface ConfinedRun {
  /** A name, looked for in PATH. */
  readonly program: string;
  readonly args: readonly string[];
  /** The Debian package that brings the program, for the hint when it is missing. */
  readonly packageName: string;
  /** Instead of those of the Confinement. */
  readonly limits?: Partial<Limits> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What the program reads. Default: nothing. It is read no faster than the program reads. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** Takes what the program writes; it writes no faster than this settles. Default: its last 64 KiB are kept. */
  readonly stdout?: ((bytes: Buffer) => Promise<void> | void) | undefined;
}

/** The last KEPT_BYTES of each. */
export interface Output {
  /** Empty where `stdout` took it. */
  readonly stdout: string;
  readonly stderr: string;
}

/** How long a program may take to end by itself. */
const GRACE_MS = 2000;

/**
 * One arena for all threads: glibc maps 128 MiB of address space for each further one, and qemu-img then
 * runs into its limit with as many threads as chance has it.
 */
const ENVIRONMENT = { LC_ALL: 'C', MALLOC_ARENA_MAX: '1' };

/** Runs `command`, which is `run` confined. As Confinement.run. */
export async function execute(
  [wrapper = '', ...args]: readonly string[],
  run: ConfinedRun,
  limits: Limits,
  path: string,
): Promise<Output> {
  const child = execa(wrapper, args, {
    env: { PATH: path, ...ENVIRONMENT },
    extendEnv: false,
    // A group of its own: a Ctrl-C at the agent's terminal is the agent's to handle.
    detached: true,
    stdin: run.stdin === undefined ? 'ignore' : 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    encoding: 'buffer',
    buffer: false,
    reject: false,
  });
  const ended = new AbortController();
  let killed: { readonly cause: unknown } | undefined;
  const end = (cause: unknown): void => {
    if (killed !== undefined) return;
    killed = { cause };
    endGroup(child.pid, ended.signal);
  };
  const onAbort = () => end(run.signal?.reason);
  run.signal?.addEventListener('abort', onAbort);
  const [stdout, stderr] = [new KeptText(), new KeptText()];
  try {
    if (run.signal?.aborted === true) onAbort();
    const consume = run.stdout ?? ((bytes) => stdout.add(bytes));
    const [result] = await Promise.all([
      child,
      take(child.stdout, async (bytes) => {
        // What a program that was told to end still says is not wanted.
        if (killed === undefined) await consume(bytes);
      }).catch(end),
      take(child.stderr, (bytes) => stderr.add(bytes)).catch(end),
      // A source that stalls is not waited for once nobody reads it.
      Promise.race([feed(child.stdin, run.stdin).catch(end), child]),
    ]);
    if (killed !== undefined) throw asError(killed.cause);
    if (result.failed) {
      const { exitCode, signal } = result;
      throw failureOf({ program: run.program, exitCode, signal, stderr: stderr.toString() }, limits);
    }
    return { stdout: stdout.toString(), stderr: stderr.toString() };
  } finally {
    ended.abort();
    run.signal?.removeEventListener('abort', onAbort);
  }
}

/** What a signal is aborted with need not be an error; whoever catches it counts on one. */
function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : Refusal.from(cause);
}

async function take(
  stream: Readable | null,
  consume: (bytes: Buffer) => Promise<void> | void,
): Promise<void> {
  // Leaving the loop by an error destroys the stream; the program then dies of its next write at the latest.
  for await (const bytes of stream ?? []) await consume(bytes as Buffer);
}

async function feed(stdin: Writable | null, bytes: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  if (stdin === null || bytes === undefined) return;
  // A program that ends before it has read all says why itself, by its exit code.
  stdin.on('error', () => undefined);
  for await (const chunk of bytes) {
    if (stdin.destroyed) return;
    if (!stdin.write(chunk)) await drained(stdin);
  }
  stdin.end();
}

async function drained(stdin: Writable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stdin.once('drain', resolve).once('close', resolve);
  await promise;
  stdin.off('drain', resolve).off('close', resolve);
}

/** SIGTERM, and SIGKILL for who is still there after GRACE_MS. */
function endGroup(pid: number | undefined, ended: AbortSignal): void {
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  delay(GRACE_MS, undefined, { signal: ended }).then(
    () => signalGroup(pid, 'SIGKILL'),
    // It is gone.
    () => undefined,
  );
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // It ended in the meantime.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
