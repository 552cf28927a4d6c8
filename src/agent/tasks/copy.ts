import { Refusal } from '../../domain/refusal.ts';
import type { FrameSource } from '../../transfer/frames.ts';
import { refusalOf } from '../../transfer/in-flight.ts';
import { Manifest } from '../../transfer/manifest.ts';
import { receiveCopy } from '../../transfer/receiver.ts';
import type { Assignment, CopyWork } from '../messages.ts';
import type { Done, Run } from '../task-board.ts';
import { discardLeftover } from './leftover.ts';
import type { TaskParts } from './parts.ts';

/**
 * Copies an image from another store: pulls it, or takes what the source pushes. What has
 * arrived is kept for the next attempt, unless there will be none (cancelled) or it is in the
 * way (a full pool).
 */
export async function copyImage(parts: TaskParts, assignment: Assignment<CopyWork>, run: Run): Promise<Done> {
  const { signal } = run;
  try {
    signal.throwIfAborted();
    // Said at once: getting the manifest and waiting for the source may take a while.
    run.onProgress({ phase: 'preparing', doneBytes: 0, totalBytes: 0, resumedBytes: 0, holeBytes: 0 });
    const manifest = await getManifest(parts, assignment.work, signal);
    return await withSource(parts, assignment, signal, (source) =>
      receive(parts, assignment, run, manifest, source),
    );
  } catch (error) {
    const useless = signal.aborted
      ? refusalOf(signal).code === 'CANCELLED'
      : Refusal.from(error).code === 'NO_SPACE';
    if (useless) await discardLeftover(parts, assignment.imageId);
    throw error;
  }
}

async function receive(
  { store, digests, memory }: TaskParts,
  { imageId, work }: Assignment<CopyWork>,
  { signal, onProgress, traffic }: Run,
  manifest: Manifest,
  source: FrameSource,
): Promise<Done> {
  const { recordJson } = work;
  const { verifiedRoot } = await memory.with((slabs) =>
    receiveCopy({
      store,
      imageId,
      manifest,
      source,
      recordJson,
      digests,
      slabs,
      onProgress,
      signal,
      traffic,
    }),
  );
  return { outcome: { kind: 'copied', verifiedRoot }, traffic };
}

/** The manifest, checked against what the hub said of it. */
async function getManifest(
  { hub, manifests }: TaskParts,
  { root, sizeBytes }: CopyWork,
  signal: AbortSignal,
): Promise<Manifest> {
  const known = manifests.get(root);
  const manifest = known ?? Manifest.decode(await hub.getManifest(root, signal), root);
  if (manifest.sizeBytes !== sizeBytes) {
    throw new Refusal(
      'CORRUPT',
      `manifest ${root} is of ${manifest.sizeBytes} bytes, the image has ${sizeBytes}`,
    );
  }
  if (!known) manifests.put(manifest);
  return manifest;
}

async function withSource<T>(
  { pullFrom, pushSessions }: TaskParts,
  { taskId, attempt, imageId, work }: Assignment<CopyWork>,
  signal: AbortSignal,
  use: (source: FrameSource) => Promise<T>,
): Promise<T> {
  const { sourceStoreId, sourceAddress } = work;
  if (sourceAddress === undefined) {
    return await pushSessions.receive({ taskId, attempt, imageId }, sourceStoreId, signal, use);
  }
  await using source = pullFrom(sourceAddress, sourceStoreId);
  return await use(source);
}
