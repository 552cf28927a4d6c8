import type { Meter, Reading } from '../common/meter.ts';
import { total } from '../common/meter.ts';
import { deviceBytes, properSeconds, retransmits, Sampler } from './counters.ts';
import type { LinkCounts } from './link-process.ts';
import { type LinkSpec, shareOf } from './link-spec.ts';
import type { Leg, Method } from './method.ts';
import { deviceOf, EDGES, type Topology } from './topology.ts';

/** A run in which others took more of the machine is marked. */
const OTHERS_LIMIT = 0.1;

/** One run of a method on a link. */
export interface Run extends Reading {
  readonly link: string;
  readonly method: string;
  readonly round: number;
  /** Of the image. */
  readonly dataBytes: number;
  /** Of the link, by the data: over the whole time, and over that in which data went over the first link. */
  readonly wholeShare: number;
  readonly properShare: number;
  /** Bytes that senders gave to the interfaces of the links, all headers and what was sent again included. */
  readonly linkBytes: number;
  /** Image data that the agents say they sent; undefined of other tools. */
  readonly agentBytes: number | undefined;
  /** TCP segments that were sent again. */
  readonly sentAgain: number;
  /** What the first link did to packets, both ways; undefined where that is not known. */
  readonly packets: LinkCounts | undefined;
  readonly isDisturbed: boolean;
}

export interface RunnerParts {
  readonly topology: Topology;
  readonly meter: Pick<Meter, 'measure'>;
  /** Of image data that agents have sent so far. */
  readonly agentBytes: () => Promise<number>;
  readonly spec: LinkSpec;
  readonly dataBytes: number;
  readonly signal: AbortSignal;
  readonly onRun: (run: Run) => void;
}

/** All methods in turns, as often as `rounds` says; each time another one begins. */
export async function runAll(parts: RunnerParts, methods: readonly Method[], rounds: number): Promise<Run[]> {
  const runs: Run[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const method of turned(methods, round)) {
      const run = await runOnce(parts, method, round, runs.length);
      parts.onRun(run);
      runs.push(run);
    }
  }
  return runs;
}

/** The same in another order: what comes first in one round comes last in the next. */
export function turned<T>(items: readonly T[], round: number): T[] {
  const first = items.length === 0 ? 0 : round % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

async function runOnce(parts: RunnerParts, method: Method, round: number, number: number): Promise<Run> {
  const { topology, spec, dataBytes, meter, signal } = parts;
  await shape(topology, undefined);
  await using trial = await method.prepare(number, signal);
  signal.throwIfAborted();
  await shape(topology, spec);
  const [first] = trial.legs;
  const before = await look(parts, trial.legs);
  using sampler = new Sampler(
    () => deviceBytes(topology.sites[first.to].pid, deviceOf(first.to, first.edge)).received,
  );
  const reading = await meter.measure(
    () => trial.clients(),
    () => trial.run(),
  );
  sampler.look();
  const after = await look(parts, trial.legs);
  // What comes now, removing it all, needs no patience.
  await shape(topology, undefined);
  const { samples } = sampler;
  return {
    ...reading,
    link: spec.name,
    method: method.name,
    round,
    dataBytes,
    wholeShare: shareOf(spec, dataBytes, reading.wallSeconds),
    properShare: shareOf(spec, dataBytes, properSeconds(samples)),
    linkBytes: after.linkBytes - before.linkBytes,
    agentBytes: after.agentBytes > before.agentBytes ? after.agentBytes - before.agentBytes : undefined,
    sentAgain: after.sentAgain - before.sentAgain,
    packets: difference(before.packets, after.packets),
    isDisturbed: reading.othersShare > OTHERS_LIMIT,
  };
}

interface Look {
  readonly linkBytes: number;
  readonly agentBytes: number;
  readonly sentAgain: number;
  readonly packets: LinkCounts | undefined;
}

async function look({ topology, agentBytes }: RunnerParts, legs: readonly [Leg, ...Leg[]]): Promise<Look> {
  const { sites, links } = topology;
  return {
    linkBytes: total(legs.map(({ from, edge }) => deviceBytes(sites[from].pid, deviceOf(from, edge)).sent)),
    agentBytes: await agentBytes(),
    sentAgain: total(legs.map(({ from }) => retransmits(sites[from].pid))),
    packets: await links[legs[0].edge].counts(),
  };
}

function difference(before: LinkCounts | undefined, after: LinkCounts | undefined): LinkCounts | undefined {
  if (before === undefined || after === undefined) return undefined;
  return {
    kept: after.kept - before.kept,
    lost: after.lost - before.lost,
    overflowed: after.overflowed - before.overflowed,
  };
}

async function shape({ links }: Topology, spec: LinkSpec | undefined): Promise<void> {
  for (const edge of EDGES) await links[edge].shape(spec);
}
