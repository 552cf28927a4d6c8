import { total } from '../common/meter.ts';
import { median, type Spread, spread } from '../common/statistics.ts';
import { mark, mibText, spreadText, table } from '../common/table.ts';
import { type LinkSpec, queueBytes } from './link-spec.ts';
import type { Run } from './runner.ts';
import type { TcpSettings } from './site-calls.ts';
import type { Emulation } from './topology.ts';

/** All runs of a method on a link, in medians. Those that were disturbed count only where there are no others. */
export interface Summary {
  readonly link: string;
  readonly method: string;
  readonly runs: number;
  readonly isDisturbed: boolean;
  readonly wallSeconds: Spread;
  readonly wholeShare: number;
  readonly properShare: number;
  readonly dataBytes: number;
  readonly linkBytes: number;
  readonly agentBytes: number | undefined;
  readonly sentAgain: number;
  /** Of those who copy, per GiB of data. */
  readonly clientCpuPerGib: number;
}

/** Undefined of a method that was not run. */
export function summarise(runs: readonly Run[], link: string, method: string): Summary | undefined {
  const all = runs.filter((run) => run.link === link && run.method === method);
  const quiet = all.filter(({ isDisturbed }) => !isDisturbed);
  const counted = quiet.length > 0 ? quiet : all;
  const wallSeconds = spread(counted.map((run) => run.wallSeconds));
  if (wallSeconds === undefined) return undefined;
  const of = (figure: (run: Run) => number) => median(counted.map(figure));
  const agentBytes = counted.flatMap((run) => run.agentBytes ?? []);
  return {
    link,
    method,
    runs: counted.length,
    isDisturbed: quiet.length === 0,
    wallSeconds,
    wholeShare: of((run) => run.wholeShare),
    properShare: of((run) => run.properShare),
    dataBytes: of((run) => run.dataBytes),
    linkBytes: of((run) => run.linkBytes),
    agentBytes: agentBytes.length === 0 ? undefined : median(agentBytes),
    sentAgain: of((run) => run.sentAgain),
    clientCpuPerGib: of((run) => total(Object.values(run.cpuSeconds)) / (run.dataBytes / 2 ** 30)),
  };
}

export function summaryTable(summaries: readonly Summary[], titleOf: (method: string) => string): string {
  const header = [
    'link',
    'what',
    'runs',
    'wall s, median (min to max)',
    'link %, all the time',
    'link %, transfer',
    'data MiB',
    'agents sent MiB',
    'on the link MiB',
    'on the link / data',
    'segments sent again',
    'CPU s/GiB',
  ];
  return table([
    header,
    ...summaries.map((one) => [
      one.link,
      titleOf(one.method),
      String(one.runs),
      mark(one, spreadText(one.wallSeconds)),
      percent(one.wholeShare),
      percent(one.properShare),
      mibText(one.dataBytes),
      mibText(one.agentBytes),
      mibText(one.linkBytes),
      (one.linkBytes / one.dataBytes).toFixed(2),
      one.sentAgain.toFixed(0),
      one.clientCpuPerGib.toFixed(2),
    ]),
  ]);
}

/** How the links and the kernel's TCP were set, in sentences. */
export function settingsText(links: readonly LinkSpec[], emulation: Emulation, tcp: TcpSettings): string {
  const queues = links.map((spec) => `${spec.name}: ${mibText(queueBytes(spec))} MiB`).join(', ');
  const { congestion, readBytes, writeBytes } = tcp;
  const who =
    emulation === 'netem'
      ? 'Links are veth devices with netem.'
      : 'Links are TUN devices with a process between them: this kernel has no netem, or was not to use it.';
  return [
    who,
    `Each way: the rate, half of the round trip, the loss, and a queue (${queues}).`,
    `TCP: ${congestion}; at most ${mibText(readBytes)} MiB of a connection to read, ${mibText(writeBytes)} MiB to write.`,
    'Headers take 4.4 % of a link, so 95.6 % is all there is for data.',
  ].join('\n');
}

function percent(share: number): string {
  return Number.isNaN(share) ? '-' : (share * 100).toFixed(1);
}
