import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DAEMONS, processStart, signalDaemon, stopDaemon } from './daemon.ts';
import { blockIsFree, portBlocks } from './ports.ts';

/**
 * One file per cluster, named by its first port, says where it is and who owns it. The
 * file's exclusive creation is also the claim on the ports. A cluster whose owner died
 * without removing it is removed by whoever starts one next.
 */
interface Entry {
  readonly folder: string;
  readonly ownerPid: number;
  readonly ownerStart: string;
}

export interface Claim {
  readonly basePort: number;
  readonly file: string;
}

const mine = new Map<string, Claim>();

export function registryFolder(): string {
  return path.join(tmpdir(), 'entrepot-ceph');
}

/** Takes a free block of ports for a cluster in `folder`, and makes sure that it goes when this process does. */
export async function claimPorts(folder: string, basePort?: number): Promise<Claim> {
  mkdirSync(registryFolder(), { recursive: true });
  const entry: Entry = { folder, ownerPid: process.pid, ownerStart: processStart(process.pid) ?? '' };
  for (const port of basePort === undefined ? portBlocks() : [basePort]) {
    const file = path.join(registryFolder(), `${port}.json`);
    if (!writeExclusively(file, JSON.stringify(entry))) continue;
    if (await blockIsFree(port)) {
      if (mine.size === 0) process.on('exit', removeMineAtExit);
      const claim = { basePort: port, file };
      mine.set(folder, claim);
      return claim;
    }
    rmSync(file, { force: true });
  }
  throw new Error(
    basePort === undefined ? 'no free block of ports for a cluster' : `port ${basePort} is taken`,
  );
}

/** Stops a cluster's daemons, removes its folder and gives its ports back. */
export async function removeCluster(folder: string): Promise<void> {
  await removeRemains(folder);
  const claim = mine.get(folder);
  mine.delete(folder);
  if (mine.size === 0) process.off('exit', removeMineAtExit);
  if (claim !== undefined) rmSync(claim.file, { force: true });
}

/** Removes the clusters of owners that are no more. Several processes may do it at once. */
export async function removeStaleClusters(): Promise<void> {
  for (const name of readdirOrEmpty(registryFolder())) {
    const file = path.join(registryFolder(), name);
    const entry = readEntry(file);
    if (entry === undefined || isAlive(entry)) continue;
    // Whoever renames it first takes it on; a sweeper that dies leaves an entry that is stale again.
    const taken = path.join(registryFolder(), `${process.pid}-${name.replace(/^\d+-/, '')}`);
    try {
      if (taken !== file) renameSync(file, taken);
    } catch {
      continue;
    }
    await removeRemains(entry.folder);
    rmSync(taken, { force: true });
  }
}

async function removeRemains(folder: string): Promise<void> {
  for (const kind of DAEMONS) await stopDaemon(folder, kind);
  await rm(folder, { recursive: true, force: true });
}

/** The last moment, where nothing can be awaited any more. */
function removeMineAtExit(): void {
  for (const [folder, claim] of mine) {
    for (const kind of DAEMONS) signalDaemon(folder, kind, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    rmSync(claim.file, { force: true });
  }
}

function isAlive(entry: Entry): boolean {
  return processStart(entry.ownerPid) === entry.ownerStart;
}

function readEntry(file: string): Entry | undefined {
  try {
    const entry = JSON.parse(readFileSync(file, 'utf8')) as Entry;
    return typeof entry.folder === 'string' && path.isAbsolute(entry.folder) ? entry : undefined;
  } catch {
    return undefined;
  }
}

function writeExclusively(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

function readdirOrEmpty(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
