import { rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { daemonPids } from '../../test/ceph/cluster/daemon.ts';
import { ensureCeph } from '../../test/ceph/cluster/index.ts';
import { say } from '../common/command.ts';
import { benchFolder } from '../common/folder.ts';
import { type ImageName, SHARED_PERCENT } from '../common/image-plan.ts';
import { describeMachine, machineText } from '../common/machine.ts';
import { Meter } from '../common/meter.ts';
import { runShell } from '../common/shell.ts';
import { SshServer } from '../common/ssh-server.ts';
import { markText } from '../common/table.ts';
import { probeQemuCommand } from '../common/tools.ts';
import { methodsOf } from './methods.ts';
import type { Options } from './options.ts';
import { Quiet } from './quiet.ts';
import { methodTable, pairTable } from './report.ts';
import { type Run, runAll } from './runner.ts';
import { type Comparison, comparisons, QEMU_RIVALS, SSH_RIVALS } from './schedule.ts';
import { Sites } from './sites.ts';
import { summariseMethod, summarisePairs } from './summary.ts';

/** All of the bench: clusters, images, runs, tables. What it made is gone when it settles, however it does. */
export async function bench(options: Options, signal: AbortSignal): Promise<void> {
  const missing = await ensureCeph(say);
  if (missing !== undefined) throw new Error(missing);
  await using stack = new AsyncDisposableStack();
  const { path: folder, atExit } = await benchFolder(stack, 'entrepot-bench-');
  const wanted = comparisons(options.only, []);
  const ssh = wants(wanted, SSH_RIVALS) ? await startSsh(stack, folder, signal) : undefined;
  const { sizeBytes } = options;
  const images: ImageName[] = wants(wanted, ['entrepot-similar']) ? ['first', 'second'] : ['first'];
  const sites = stack.use(await Sites.start({ folder, sizeBytes, images, signal, say }));
  atExit(() => rmSync(sites.cloud.folder, { recursive: true, force: true }));
  const hasQemu = !wants(wanted, QEMU_RIVALS) || (await qemuWorks(sites, signal));
  const leftOut = [...(ssh === undefined ? SSH_RIVALS : []), ...(hasQemu ? [] : QEMU_RIVALS)];
  const planned = comparisons(options.only, leftOut);
  if (planned.length === 0) throw new Error('nothing is left to compare');
  const { othersLimit, pairs } = options;
  const meter = meterOf(sites);
  const methods = methodsOf(sites, ssh);
  const parts = { methods, meter, quiet: new Quiet(meter), othersLimit, signal, onRun: sayRun };
  const runs = await runAll(parts, planned, pairs);
  await tell({ options, planned, sites, methods, runs, signal });
}

async function tell({
  options,
  planned,
  sites,
  methods,
  runs,
  signal,
}: {
  options: Options;
  planned: readonly Comparison[];
  sites: Sites;
  methods: ReturnType<typeof methodsOf>;
  runs: readonly Run[];
  signal: AbortSignal;
}): Promise<void> {
  const { sizeBytes, dataBytes } = sites.plan('first');
  const titleOf = (name: string) => methods.get(name)?.title ?? name;
  const byMethod = [...methods.values()].flatMap(
    ({ name, copies }) => summariseMethod(runs, { method: name, copies, dataBytes }) ?? [],
  );
  const byPair = planned.flatMap((one) => summarisePairs(runs, one) ?? []);
  const machine = await describeMachine(signal);
  const date = new Date().toISOString();
  if (options.json !== undefined) {
    const image = { sizeBytes, dataBytes, sharedPercent: SHARED_PERCENT };
    const all = { date, machine, image, options, methods: byMethod, pairs: byPair, runs };
    await writeFile(options.json, `${JSON.stringify(all, undefined, 2)}\n`);
  }
  console.log(
    [
      `${date.slice(0, 10)}: an image of ${sizeBytes / 2 ** 20} MiB with ${dataBytes / 2 ** 20} MiB of data`,
      machineText(machine),
      '',
      methodTable(byMethod, titleOf),
      ...(byPair.length > 0 ? [pairTable(byPair, titleOf)] : []),
      markText([...byMethod, ...byPair]),
    ].join('\n'),
  );
}

async function startSsh(
  stack: AsyncDisposableStack,
  folder: string,
  signal: AbortSignal,
): Promise<SshServer | undefined> {
  const ssh = await SshServer.start(join(folder, 'ssh'), signal);
  if (typeof ssh !== 'string') return stack.use(ssh);
  say(ssh);
  return undefined;
}

async function qemuWorks(sites: Sites, signal: AbortSignal): Promise<boolean> {
  try {
    await runShell(probeQemuCommand(sites.place('central', sites.sourceId('first'))), signal);
    return true;
  } catch {
    signal.throwIfAborted();
    say('qemu-img is left out: it cannot open rbd images (Debian: apt-get install qemu-block-extra)');
    return false;
  }
}

function meterOf({ clusters }: Sites): Meter {
  const folders = [...clusters.values()].map(({ folder }) => folder);
  return new Meter({
    osdPids: folders.flatMap((folder) => daemonPids(folder, 'osd')),
    monPids: folders.flatMap((folder) => daemonPids(folder, 'mon')),
  });
}

function wants(planned: readonly Comparison[], names: readonly string[]): boolean {
  return planned.some(({ name }) => names.includes(name));
}

function sayRun({ round, method, wallSeconds, othersShare, repeats, isDisturbed }: Run): void {
  const others = `others took ${Math.max(0, othersShare * 100).toFixed(0)} % of the machine`;
  const again = repeats === 0 ? '' : `, ${isDisturbed ? 'also in repeats' : 'repeats'}: ${repeats}`;
  say(`pair ${round + 1}: ${method} ${wallSeconds.toFixed(2)} s (${others}${again})`);
}
