import { readFileSync } from 'node:fs';

/** What an interface has seen since it was made. */
export interface DeviceBytes {
  readonly received: number;
  readonly sent: number;
}

/** Of /proc/PID/net/dev. Throws when there is no such interface. */
export function parseDevice(text: string, device: string): DeviceBytes {
  const line = text.split('\n').find((one) => one.trimStart().startsWith(`${device}:`));
  if (line === undefined) throw new Error(`no interface ${device}`);
  const fields = line
    .slice(line.indexOf(':') + 1)
    .trim()
    .split(/\s+/)
    .map(Number);
  return { received: fields[0] ?? 0, sent: fields[8] ?? 0 };
}

/** Of /proc/PID/net/snmp: TCP segments that were sent again. */
export function parseRetransmits(text: string): number {
  const [names = [], values = []] = text
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' '));
  return Number(values[names.indexOf('RetransSegs')] ?? 0);
}

/** Of the network namespace that a process is in. */
export function deviceBytes(pid: number, device: string): DeviceBytes {
  return parseDevice(readFileSync(`/proc/${pid}/net/dev`, 'utf8'), device);
}

/** Of the network namespace that a process is in, since it was made. */
export function retransmits(pid: number): number {
  return parseRetransmits(readFileSync(`/proc/${pid}/net/snmp`, 'utf8'));
}

/** How far a count was at a moment. */
export interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/** What is left out at either end of the transfer: connecting, the first round trips, and what dribbles at the end. */
const EDGE_SHARE = 0.02;

/**
 * Seconds that all of the bytes would take at the pace of the middle 96 % of them, which is the transfer proper. NaN
 * when there are none.
 */
export function properSeconds(samples: readonly Sample[]): number {
  const first = samples[0]?.bytes ?? 0;
  const total = (samples.at(-1)?.bytes ?? 0) - first;
  if (total <= 0) return Number.NaN;
  const from = timeOf(samples, first + total * EDGE_SHARE);
  const to = timeOf(samples, first + total * (1 - EDGE_SHARE));
  return (to - from) / 1000 / (1 - 2 * EDGE_SHARE);
}

/** When the count came to it, between the samples around. */
function timeOf(samples: readonly Sample[], bytes: number): number {
  const after = samples.findIndex((one) => one.bytes >= bytes);
  const right = samples[after];
  const left = samples[Math.max(0, after - 1)];
  if (right === undefined || left === undefined || right.bytes === left.bytes)
    return right?.atMs ?? Number.NaN;
  return left.atMs + ((bytes - left.bytes) / (right.bytes - left.bytes)) * (right.atMs - left.atMs);
}

const SAMPLE_INTERVAL_MS = 50;

/** Watches a count until it is disposed of, or there is nothing left to count: whoever uses it is told that elsewhere. */
export class Sampler implements Disposable {
  readonly samples: Sample[] = [];
  readonly #count: () => number;
  readonly #timer: NodeJS.Timeout;

  constructor(count: () => number) {
    this.#count = count;
    this.#timer = setInterval(() => this.#tryToLook(), SAMPLE_INTERVAL_MS);
    this.look();
  }

  look(): void {
    this.samples.push({ atMs: performance.now(), bytes: this.#count() });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #tryToLook(): void {
    try {
      this.look();
    } catch {
      clearInterval(this.#timer);
    }
  }
}
