import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processTree } from './procfs.ts';
import { killTree } from './shell.ts';

export interface BenchFolder {
  readonly path: string;
  /** For what else has to be undone when the process ends without waiting; synchronous. */
  readonly atExit: (undo: () => void) => void;
}

/** Removed at the end, also when the process ends without waiting, and what it started is killed then. */
export async function benchFolder(stack: AsyncDisposableStack, prefix: string): Promise<BenchFolder> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  const undoings: (() => void)[] = [];
  const atExit = () => {
    for (const child of processTree(process.pid).slice(1)) killTree(child);
    for (const undo of undoings) undo();
    rmSync(path, { recursive: true, force: true });
  };
  process.on('exit', atExit);
  stack.defer(async () => {
    process.off('exit', atExit);
    await rm(path, { recursive: true, force: true });
  });
  return { path, atExit: (undo) => void undoings.push(undo) };
}
