import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { runShell } from './shell.ts';

/** What the figures were taken on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  readonly programs: Readonly<Record<string, string>>;
}

const VERSIONS = { rbd: 'rbd --version', qemuImg: 'qemu-img --version', ssh: 'ssh -V 2>&1' };

export async function describeMachine(signal: AbortSignal): Promise<Machine> {
  const programs: Record<string, string> = {};
  for (const [name, command] of Object.entries(VERSIONS)) {
    const version = await runShell(`${command} | head -1`, signal).catch(() => 'not there');
    programs[name] = version.trim();
  }
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    programs,
  };
}

export function machineText({ processor, cores, memoryGib, kernel, node, programs }: Machine): string {
  return [
    `${cores} cores of ${processor}, ${memoryGib} GiB, Linux ${kernel}, Node ${node}`,
    ...Object.values(programs),
  ].join('\n');
}
