import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { DaemonProcess } from '../../cloud/daemon-process.ts';
import { waitFor } from '../../cloud/wait.ts';
import { type Attack, type Target, throwAt } from '../../fuzz/attack.ts';

const MIB = 1024 * 1024;

/** How many attacks at a time. */
const AT_ONCE = 4;

/** Longer than any attack needs to say what it has to say; those that only hold are cut then. */
const ATTACK_MS = 400;

/** Between two questions of those who are to be served meanwhile. */
const ASK_MS = 50;

/** A server notices that a client is gone at its next ping at the latest: the hub after 30 s, an agent after 50. */
const GONE_MS = 90_000;

/** The most resident memory a process ever had, in MiB. */
export function mostMib({ pid }: DaemonProcess): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (Number(/^VmHWM:\s+(\d+) kB/m.exec(text)?.[1]) * 1024) / MIB;
}

function openFiles({ pid }: DaemonProcess): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** A port, and in whose name things are thrown at it. */
export interface Aim {
  readonly target: Target;
  readonly attacks: readonly Attack[];
}

/** Carries out every attack of every aim once, a few at a time, each from an address of its own. */
export async function fire(aims: readonly Aim[]): Promise<number> {
  const shots = aims.flatMap(({ target, attacks }) => attacks.map((attack) => ({ target, attack })));
  let next = 0;
  let sentBytes = 0;
  const gunner = async () => {
    for (let index = next++; index < shots.length; index = next++) {
      const { target, attack } = shots[index] as (typeof shots)[number];
      // Otherwise most of them would meet only the limit of connections from one address.
      const from = `127.10.${index >> 8}.${1 + ((index & 0xff) % 254)}`;
      sentBytes += (await throwAt({ ...target, from }, attack, { seed: index, limitMs: ATTACK_MS }))
        .sentBytes;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, gunner));
  return sentBytes;
}

/** Asks one thing after another until `stop`, and then says how long the slowest answer took. */
export class Bystander {
  readonly #times: number[] = [];
  readonly #over: Promise<void>;
  #isStopped = false;

  /** @param ask throws when it is not served */
  constructor(ask: () => Promise<unknown>) {
    this.#over = this.#run(ask);
    this.#over.catch(() => undefined);
  }

  /** Throws what `ask` threw. */
  async stop(): Promise<{ readonly slowestMs: number; readonly answers: number }> {
    this.#isStopped = true;
    await this.#over;
    return { slowestMs: Math.max(...this.#times), answers: this.#times.length };
  }

  async #run(ask: () => Promise<unknown>): Promise<void> {
    while (!this.#isStopped) {
      const startMs = performance.now();
      await ask();
      this.#times.push(performance.now() - startMs);
      await delay(ASK_MS);
    }
  }
}

/** Waits until a daemon has closed what it had opened for others; `before`: how many files it had open. */
export async function settled(daemon: DaemonProcess, before: number): Promise<void> {
  await waitFor(
    `${daemon.options.name} to have at most ${before} open files (has ${openFiles(daemon)})`,
    () => openFiles(daemon) <= before,
    GONE_MS,
  );
}

/** How many files a daemon has open, with room for what it opens by itself, and for a copy: at it are hundreds. */
export function openFilesWithRoom(daemon: DaemonProcess): number {
  return openFiles(daemon) + 24;
}

/** Lines that tell of a fault of ours. */
export function faults(log: string): string[] {
  return log
    .split('\n')
    .filter((line) => /"level":"(error|fatal)"|INTERNAL|[Uu]ncaught|[Uu]nhandled|Warning:/.test(line));
}
