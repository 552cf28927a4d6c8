import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import {
  kernelThreadSeconds,
  machineTimes,
  peakBytes,
  processName,
  processTimes,
  processTree,
  resetPeak,
  treeSeconds,
} from './procfs.ts';

/** Peaks of processes that end are as of the last look. */
const LOOK_INTERVAL_MS = 200;
/** The programs that a run starts and that end in it, together. */
const STARTED = 'started';

/** The processes that do the copying, with all below them, by what to call them. */
export type Clients = () => ReadonlyMap<number, string>;

/** What a run took. */
export interface Reading {
  readonly wallSeconds: number;
  /** By name of the process; `started` is what began and ended in the run. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  readonly osdCpuSeconds: number;
  /** Most memory resident, by name of the process; of several of a name, the largest. */
  readonly peakBytes: Readonly<Record<string, number>>;
  /**
   * Of the whole machine: what others than the bench, its daemons and the kernel took, or the host. May be a
   * little below 0, since Linux counts the machine's time less finely than a process's.
   */
  readonly othersShare: number;
}

export interface MeterParts {
  readonly osdPids: readonly number[];
  readonly monPids: readonly number[];
}

/** Takes readings of what Linux knows of processes. One run at a time. */
export class Meter {
  readonly #parts: MeterParts;

  constructor(parts: MeterParts) {
    this.#parts = parts;
  }

  /**
   * `clients` is asked before, during and after: it may name processes that the work starts. What the work
   * resolves with, if anything, is what it took in seconds.
   */
  async measure(clients: Clients, work: () => Promise<number | undefined>): Promise<Reading> {
    for (const pid of clients().keys()) for (const one of processTree(pid)) resetPeak(one);
    const peaks = new Map<string, number>();
    const watch = setInterval(() => notePeaks(peaks, clients()), LOOK_INTERVAL_MS);
    const before = this.#look(clients());
    try {
      const start = performance.now();
      const told = await work();
      const wallSeconds = told ?? (performance.now() - start) / 1000;
      const after = this.#look(clients());
      notePeaks(peaks, clients());
      return { wallSeconds, peakBytes: Object.fromEntries(peaks), ...difference(before, after) };
    } finally {
      clearInterval(watch);
    }
  }

  /** Seconds that the OSDs have taken so far: they go on after a run, removing what it made. */
  osdSeconds(): number {
    return total(this.#parts.osdPids.map(treeSeconds));
  }

  #look(clients: ReadonlyMap<number, string>): Look {
    const { busy, stolen } = machineTimes();
    const osds = this.osdSeconds();
    const ours = osds + total([...this.#parts.monPids, process.pid].map(treeSeconds));
    return {
      atMs: performance.now(),
      osds,
      others: busy - ours - kernelThreadSeconds() + stolen,
      clients: new Map([...clients].map(([pid, name]) => [pid, { name, seconds: treeSeconds(pid) }])),
      started: processTimes(process.pid)?.ended ?? 0,
    };
  }
}

interface Look {
  readonly atMs: number;
  readonly osds: number;
  readonly others: number;
  readonly clients: ReadonlyMap<number, { readonly name: string; readonly seconds: number }>;
  readonly started: number;
}

function difference(
  before: Look,
  after: Look,
): Pick<Reading, 'cpuSeconds' | 'osdCpuSeconds' | 'othersShare'> {
  const cpuSeconds: Record<string, number> = {};
  // What is not in both was started by the run, and is counted where it ended.
  for (const [pid, { name, seconds }] of before.clients) {
    const now = after.clients.get(pid)?.seconds ?? seconds;
    cpuSeconds[name] = wholeTicks((cpuSeconds[name] ?? 0) + now - seconds);
  }
  const started = after.started - before.started;
  if (started > 0) cpuSeconds[STARTED] = wholeTicks(started);
  const capacity = ((after.atMs - before.atMs) / 1000) * availableParallelism();
  return {
    cpuSeconds,
    osdCpuSeconds: wholeTicks(after.osds - before.osds),
    othersShare: (after.others - before.others) / capacity,
  };
}

/** Linux counts in hundredths; what adding them up leaves behind those is none of its. */
function wholeTicks(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}

function notePeaks(peaks: Map<string, number>, clients: ReadonlyMap<number, string>): void {
  for (const [root, rootName] of clients) {
    for (const pid of processTree(root)) {
      const name = pid === root ? rootName : processName(pid);
      const bytes = peakBytes(pid);
      if (bytes !== undefined) peaks.set(name, Math.max(peaks.get(name) ?? 0, bytes));
    }
  }
}

export function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
