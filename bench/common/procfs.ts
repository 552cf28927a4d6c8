import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** What Linux counts processor time in towards user space, on every machine. */
const TICKS_PER_SECOND = 100;
const KERNEL_THREADS_PARENT = 2;

/** Processor time of one process, in seconds. */
export interface ProcessTimes {
  readonly parent: number;
  /** Its own, all threads together. */
  readonly own: number;
  /** Of children that ended and that it waited for, with theirs. */
  readonly ended: number;
}

/** Of all processors together, in seconds since boot. Interrupts are nobody's and left out. */
export interface MachineTimes {
  readonly busy: number;
  /** Taken by the host of a virtual machine. */
  readonly stolen: number;
}

/** Of /proc/PID/stat. The name in it may hold blanks and brackets. */
export function parseProcessTimes(stat: string): ProcessTimes {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = (index: number) => Number(fields[index]) / TICKS_PER_SECOND;
  return { parent: Number(fields[1]), own: ticks(11) + ticks(12), ended: ticks(13) + ticks(14) };
}

/** Of /proc/stat, whose first line is: cpu user nice system idle iowait irq softirq steal ... */
export function parseMachineTimes(stat: string): MachineTimes {
  const fields = stat.slice(0, stat.indexOf('\n')).split(/\s+/).slice(1).map(Number);
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = fields;
  return { busy: (user + nice + system) / TICKS_PER_SECOND, stolen: steal / TICKS_PER_SECOND };
}

/** Of /proc/PID/status: the most memory it had resident; undefined of a process that is ending. */
export function parsePeakBytes(status: string): number | undefined {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

export function machineTimes(): MachineTimes {
  return parseMachineTimes(readFileSync('/proc/stat', 'latin1'));
}

/** Undefined when there is no such process. */
export function processTimes(pid: number): ProcessTimes | undefined {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  return stat === '' ? undefined : parseProcessTimes(stat);
}

/** A process and all below it, as far as they live and are the children of first threads; [] when it is gone. */
export function processTree(pid: number): number[] {
  if (readOrEmpty(`/proc/${pid}/stat`) === '') return [];
  const children = readOrEmpty(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(processTree)];
}

/** Seconds of the processor that a tree has taken since it began, those who ended in it included. */
export function treeSeconds(pid: number): number {
  return processTree(pid)
    .map(processTimes)
    .reduce((sum, times) => sum + (times === undefined ? 0 : times.own + times.ended), 0);
}

/** What the kernel did for nobody in particular: writing back, the network's and the disks' workers. */
export function kernelThreadSeconds(): number {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processTimes(Number(name)))
    .reduce((sum, times) => sum + (times?.parent === KERNEL_THREADS_PARENT ? times.own : 0), 0);
}

export function processName(pid: number): string {
  return readOrEmpty(`/proc/${pid}/comm`).trim();
}

export function peakBytes(pid: number): number | undefined {
  return parsePeakBytes(readOrEmpty(`/proc/${pid}/status`));
}

/** From now on its peak counts anew. Nothing happens to a process that is gone. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
