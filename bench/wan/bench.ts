import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { daemonPids } from '../../test/ceph/cluster/daemon.ts';
import { ensureCeph } from '../../test/ceph/cluster/index.ts';
import { say } from '../common/command.ts';
import { benchFolder } from '../common/folder.ts';
import { describeMachine, machineText } from '../common/machine.ts';
import { Meter } from '../common/meter.ts';
import { markText } from '../common/table.ts';
import { clusterFolder, WanCloud } from './cloud.ts';
import { type LinkSpec, shareOf } from './link-spec.ts';
import { methodsOf } from './methods.ts';
import { prefixOf, removeLeftovers, removeNamespace, sitesMissing, thisProcess } from './namespaces.ts';
import { METHOD_NAMES, type Options } from './options.ts';
import { settingsText, summarise, summaryTable } from './report.ts';
import { type Run, runAll } from './runner.ts';
import { bestEmulation, type Emulation, namespaceOf, SITES, Topology } from './topology.ts';

const MIB = 1024 * 1024;
const SIZE_SECONDS = 20;
const LARGEST_SIZE_MIB = 1024;

/** All of the bench: namespaces, links, clusters, images, runs, the table. What it made is gone when it settles, however it does. */
export async function bench(options: Options, signal: AbortSignal): Promise<void> {
  const lack = sitesMissing();
  if (lack !== undefined) throw new Error(lack);
  if (options.store === 'rbd') {
    const missing = await ensureCeph(say);
    if (missing !== undefined) throw new Error(`${missing}; \`--store file\` goes without`);
  }
  await removeLeftovers();
  await using stack = new AsyncDisposableStack();
  const { path: folder, atExit } = await benchFolder(stack, prefixOf(thisProcess()));
  atExit(() => {
    for (const site of SITES) removeNamespace(namespaceOf(site));
  });
  const emulation = options.emulation ?? (await bestEmulation());
  const runs: Run[] = [];
  const titles = new Map<string, string>();
  try {
    for (const spec of options.links)
      await onLink({ options, spec, emulation, folder, runs, titles, signal });
  } finally {
    // Also what there is when one link comes to nothing.
    if (runs.length > 0) await tell(options, emulation, runs, titles);
  }
}

interface LinkParts {
  readonly options: Options;
  readonly spec: LinkSpec;
  readonly emulation: Emulation;
  readonly folder: string;
  readonly runs: Run[];
  readonly titles: Map<string, string>;
  readonly signal: AbortSignal;
}

/** Everything anew, so that nothing has been learnt on another link. */
async function onLink(parts: LinkParts): Promise<void> {
  const { options, spec, emulation, runs, titles, signal } = parts;
  const { store, tcp, only } = options;
  const folder = join(parts.folder, String(options.links.indexOf(spec)));
  await mkdir(folder);
  say(`${spec.name}: starting sites`);
  await using topology = await Topology.create(emulation, tcp);
  signal.throwIfAborted();
  const stop = () => void topology[Symbol.asyncDispose]();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const cloud = await WanCloud.start({ topology, folder, store });
    const dataBytes = options.sizeBytes ?? sizeFor(spec);
    const settings = { cloud, topology, sizeBytes: dataBytes };
    const methods = await methodsOf(settings, spec, only, say);
    for (const { name, title } of methods) titles.set(name, title);
    const meter = meterOf(folder);
    const agentBytes = () => cloud.sentBytes();
    say(`${spec.name}: bringing images over`);
    const onRun = (run: Run) => {
      runs.push(run);
      sayRun(run);
    };
    await runAll({ topology, meter, agentBytes, spec, dataBytes, signal, onRun }, methods, options.pairs);
  } finally {
    signal.removeEventListener('abort', stop);
    signal.throwIfAborted();
  }
}

/** A whole number of MiB that the link takes in about twenty seconds; images that are larger keep the machine busy, not the link. */
function sizeFor(spec: LinkSpec): number {
  const mib = Math.floor(SIZE_SECONDS / shareOf(spec, MIB, 1));
  return Math.max(1, Math.min(LARGEST_SIZE_MIB, mib)) * MIB;
}

function meterOf(folder: string): Meter {
  const folders = SITES.map((site) => clusterFolder(folder, site));
  return new Meter({
    osdPids: folders.flatMap((one) => daemonPids(one, 'osd')),
    monPids: folders.flatMap((one) => daemonPids(one, 'mon')),
  });
}

async function tell(
  options: Options,
  emulation: Emulation,
  runs: readonly Run[],
  titles: ReadonlyMap<string, string>,
): Promise<void> {
  const { links, tcp, json } = options;
  const summaries = links.flatMap(({ name }) =>
    METHOD_NAMES.flatMap((method) => summarise(runs, name, method) ?? []),
  );
  const machine = await describeMachine(new AbortController().signal);
  const date = new Date().toISOString();
  if (json !== undefined) {
    const all = { date, machine, emulation, options, summaries, runs };
    await writeFile(json, `${JSON.stringify(all, undefined, 2)}\n`);
  }
  console.log(
    [
      date.slice(0, 10),
      machineText(machine),
      settingsText(links, emulation, tcp),
      '',
      summaryTable(summaries, (method) => titles.get(method) ?? method),
      markText(summaries),
    ].join('\n'),
  );
}

function sayRun({ link, round, method, wallSeconds, wholeShare, properShare, othersShare }: Run): void {
  const shares = `${percent(wholeShare)} of the link, ${percent(properShare)} while it went`;
  const others = `others took ${percent(Math.max(0, othersShare))} of the machine`;
  say(`${link}, round ${round + 1}: ${method} ${wallSeconds.toFixed(2)} s, ${shares} (${others})`);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
