import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile, replaceFile } from '../store/file/durable.ts';
import { attempt } from '../store/file/errno.ts';

/** How far a file has been brought, by whom, and what of. */
export interface StagedState {
  /** Another task brings another file. */
  readonly taskId: string;
  /** So many of its first bytes are on disk. What lies behind may be of anything. */
  readonly sizeBytes: number;
  /** The task's own words on where the bytes come from. */
  readonly note: string;
}

/**
 * What the task has kept in the folder of an image. Undefined when there is nothing, nothing of this task, or not all
 * of what is said to be there: then it begins anew.
 */
export async function stateOf(folder: string, taskId: string): Promise<StagedState | undefined> {
  const state = parseState(await readFile(pathOf(folder), 'utf8').catch(() => ''));
  if (state?.taskId !== taskId) return undefined;
  const data = await lstat(join(folder, 'data')).catch(() => undefined);
  return data?.isFile() === true && data.size >= state.sizeBytes ? state : undefined;
}

/** Durable when it settles; cut before, the state is what it was. The bytes it speaks of must be on disk. */
export async function writeState(folder: string, state: StagedState): Promise<void> {
  await attempt('note how far a staged file is', () => replaceFile(pathOf(folder), JSON.stringify(state)));
}

/** Must be on disk before the bytes that a state speaks of become others: the caller syncs the folder. */
export async function removeState(folder: string): Promise<void> {
  await removeFile(pathOf(folder));
}

function pathOf(folder: string): string {
  return join(folder, 'state');
}

function parseState(text: string): StagedState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { taskId, sizeBytes, note } = (value ?? {}) as Readonly<Record<keyof StagedState, unknown>>;
  if (typeof taskId !== 'string' || typeof note !== 'string') return undefined;
  if (!Number.isSafeInteger(sizeBytes) || (sizeBytes as number) < 0) return undefined;
  return { taskId, sizeBytes: sizeBytes as number, note };
}
