// `npm run bench:control [-- OPTIONS]`: how a hub stands up to a cloud of many sites, all of them
// simulated, on this machine. `--help` shows the options.
import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { SETTINGS } from './bench-hub.ts';
import { type BenchOptions, parseOptions, USAGE } from './options.ts';
import { failures, judge, table, verdicts } from './report.ts';
import { type RunFigures, run } from './run.ts';
import { TASK_MS } from './simulated-site.ts';

async function main(options: BenchOptions, signal: AbortSignal): Promise<void> {
  const runs: RunFigures[] = [];
  try {
    for (const sites of options.sites) runs.push(await run({ sites, options, say, signal }));
  } finally {
    // Also what there is when one run comes to nothing.
    await report(options, runs);
  }
}

async function report(options: BenchOptions, runs: readonly RunFigures[]): Promise<void> {
  if (runs.length === 0) return;
  const targets = judge(runs);
  console.log(`${machine()}\n\n${table(runs)}`);
  const failed = failures(runs);
  if (failed !== '') console.log(`\n${failed}`);
  if (targets.length > 0) console.log(`\n${verdicts(targets)}`);
  if (options.jsonPath === undefined) return;
  const date = new Date().toISOString();
  const conditions = { date, machine: machine(), options, hub: SETTINGS, taskMs: TASK_MS };
  await writeFile(options.jsonPath, `${JSON.stringify({ ...conditions, runs, targets }, null, 2)}\n`);
}

function machine(): string {
  const gib = (totalmem() / 1024 ** 3).toFixed(0);
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  return `${availableParallelism()} x ${model}, ${gib} GiB, Node ${process.versions.node}`;
}

function say(line: string): void {
  process.stderr.write(`== ${line}\n`);
}

const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    say(`${name}: putting everything away`);
    interrupt.abort(new Error('interrupted'));
  });
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') console.log(USAGE);
  else await main(options, interrupt.signal);
} catch (error) {
  console.error(`bench:control: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = interrupt.signal.aborted ? 130 : 1;
}
