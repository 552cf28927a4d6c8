import { describe, expect, test } from 'vitest';
import { Meter } from '../../../../bench/common/meter.ts';
import { processTree } from '../../../../bench/common/procfs.ts';
import { runShell, ShellCommand } from '../../../../bench/common/shell.ts';
import { isZombie } from '../../../ceph/cluster/daemon.ts';

const never = new AbortController().signal;

describe('a command', () => {
  test('gives what it printed', async () => {
    expect(await runShell('printf abc | tr b x', never)).toBe('axc');
  });

  test('fails when any part of a pipe does, with what it said', async () => {
    await expect(runShell('(echo no such thing >&2; exit 3) | cat', never)).rejects.toThrow('no such thing');
  });

  test('is killed with all below it when the bench is interrupted', async () => {
    const interruption = new AbortController();
    const command = new ShellCommand('sleep 60 | sleep 61');
    const ended = command.ended(interruption.signal);
    await expect.poll(() => processTree(command.pid ?? 0).length).toBe(3);
    const pids = processTree(command.pid ?? 0);
    interruption.abort(new Error('interrupted'));
    await expect(ended).rejects.toThrow('interrupted');
    // Whoever inherits them may take its time to notice.
    await expect.poll(() => pids.flatMap(processTree).filter((pid) => !isZombie(pid))).toEqual([]);
  });
});

test('the meter counts what a run starts, and the memory of what it started', async () => {
  const meter = new Meter({ osdPids: [], monPids: [] });
  let command: ShellCommand | undefined;
  const reading = await meter.measure(
    () => new Map(command?.pid === undefined ? [] : [[command.pid, 'shell']]),
    async () => {
      // Some 50 MiB, and a second of work.
      command = new ShellCommand(
        "s=$(head -c 50000000 /dev/zero | tr '\\0' x); timeout 1 yes > /dev/null; : $s",
      );
      await command.ended(never).catch(() => {});
      return undefined;
    },
  );
  expect(reading.wallSeconds).toBeGreaterThan(0.9);
  expect(reading.cpuSeconds['started']).toBeGreaterThan(0.3);
  expect(reading.peakBytes['shell']).toBeGreaterThan(50_000_000);
  expect(reading.osdCpuSeconds).toBe(0);
});
