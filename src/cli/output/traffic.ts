import { COMPRESSIONS, compressionInWords } from '../../domain/compression.ts';
import type { Job, Task } from '../wire.ts';
import { formatBytes, formatDuration, formatRate } from './units.ts';

/** What the bytes of one store's part of a job came to, so far or in the end. */
export interface Traffic {
  readonly receivedBytes: number;
  readonly wireBytes: number;
  readonly holeBytes: number;
  readonly resumedBytes: number;
  /** As the hub names it; empty while nobody has said. */
  readonly compression: string;
  /** Of attempts that have ended; undefined of one at work. */
  readonly seconds: number | undefined;
}

/** Less than this saved is not worth a figure. */
const WORTH_A_RATIO = 1.05;

/** Of the attempt at work; else of those that have ended. Undefined when there was none. */
export function taskTraffic({ state, progress, totals }: Task): Traffic | undefined {
  if (state === 'running' && progress !== null) {
    const { receivedBytes, wireBytes, holeBytes, resumedBytes, compression } = progress;
    return { receivedBytes, wireBytes, holeBytes, resumedBytes, compression, seconds: undefined };
  }
  if (totals?.traffic == null) return undefined;
  const { receivedBytes, wireBytes, holeBytes, resumedBytes } = totals.traffic;
  const { compression, seconds } = totals;
  return { receivedBytes, wireBytes, holeBytes, resumedBytes, compression, seconds };
}

/** Bytes of all attempts at all tasks of a job, at work or ended; empty before there are any. */
export function jobTrafficWords({ tasks }: Job): string {
  let receivedBytes = 0;
  let wireBytes = 0;
  for (const { state, progress, totals } of tasks) {
    const running = state === 'running' ? progress : null;
    receivedBytes += (running?.receivedBytes ?? 0) + (totals?.traffic?.receivedBytes ?? 0);
    wireBytes += (running?.wireBytes ?? 0) + (totals?.traffic?.wireBytes ?? 0);
  }
  if (receivedBytes === 0) return '';
  return `${formatBytes(receivedBytes)} received, ${wireWords(receivedBytes, wireBytes)}`;
}

/** `64 MiB received in 4 s (16 MiB/s)`, `30 MiB on the wire (2.1:1)`, `192 MiB holes`, `8 MiB resumed`, `compression on`. */
export function trafficWords(traffic: Traffic): string[] {
  const { receivedBytes, wireBytes, holeBytes, resumedBytes, compression, seconds } = traffic;
  const words: string[] = [];
  if (receivedBytes > 0 && seconds !== undefined) {
    const rate = seconds > 0 ? ` in ${formatDuration(seconds)} (${formatRate(receivedBytes / seconds)})` : '';
    words.push(`${formatBytes(receivedBytes)} received${rate}`);
  }
  if (receivedBytes > 0) words.push(wireWords(receivedBytes, wireBytes));
  if (holeBytes > 0) words.push(`${formatBytes(holeBytes)} holes`);
  if (resumedBytes > 0) words.push(`${formatBytes(resumedBytes)} resumed`);
  if (compression !== '') words.push(`compression ${compressionWords(compression)}`);
  return words;
}

function wireWords(receivedBytes: number, wireBytes: number): string {
  const ratio = wireBytes > 0 ? receivedBytes / wireBytes : 1;
  const packed = ratio >= WORTH_A_RATIO ? ` (${ratio.toFixed(1)}:1)` : '';
  return `${formatBytes(wireBytes)} on the wire${packed}`;
}

/** `on`, or `off (the link keeps up)`; what a newer hub may say as it says it. */
function compressionWords(named: string): string {
  const known = COMPRESSIONS.find((one) => one === named);
  if (known === undefined) return named;
  const [state = '', why] = compressionInWords(known).split(': ');
  return why === undefined ? state : `${state} (${why})`;
}

/** The same for `-o json`; every key is there. */
export function trafficJson(traffic: Traffic | undefined) {
  return {
    received_bytes: traffic?.receivedBytes ?? null,
    wire_bytes: traffic?.wireBytes ?? null,
    hole_bytes: traffic?.holeBytes ?? null,
    resumed_bytes: traffic?.resumedBytes ?? null,
    compression: traffic?.compression || null,
  };
}
