import { noProgress } from '../../domain/job.ts';
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
    run.onProgress(noProgress('preparing'));
    const manifest = await getManifest(parts, assignment.work, signal);
    return await withSource(parts, assignment, run, (source, untilCut) =>
      receive(parts, assignment, { ...run, signal: untilCut }, manifest, source),
    );
  } catch (error) {
    const useless = signal.aborted
      ? refusalOf(signal).code === 'CANCELLED'
      : Refusal.from(error).code === 'NO_SPACE';
    if (useless) await discardLeftover(parts, assignment.imageId);
    throw passing(error);
  }
}

async function receive(
  { store, digests, memory, verify }: TaskParts,
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
      verify,
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

/** `use` is to stop when the signal it gets aborts: as the run's, or when the source is cut off. */
async function withSource<T>(
  { pullFrom, pushSessions, onRevoked }: TaskParts,
  { taskId, attempt, imageId, work }: Assignment<CopyWork>,
  { signal, ticket }: Run,
  use: (source: FrameSource, untilCut: AbortSignal) => Promise<T>,
): Promise<T> {
  const { sourceStoreId, sourceAddress } = work;
  const cut = new AbortController();
  using _watched = onRevoked(sourceStoreId, (reason) => cut.abort(reason));
  const untilCut = AbortSignal.any([signal, cut.signal]);
  if (sourceAddress === undefined) {
    const key = { taskId, attempt, imageId };
    return await pushSessions.receive(key, sourceStoreId, untilCut, (source) => use(source, untilCut));
  }
  if (ticket.text === '') {
    throw new Refusal('UNSUPPORTED', `the hub gave no ticket to read the image at store ${sourceStoreId}`, {
      hint: 'the hub is older than the agent: update the hub',
    });
  }
  await using source = pullFrom(sourceAddress, sourceStoreId, ticket.text);
  using _renewed = ticket.onRenewed((text) => source.setTicket(text));
  return await use(source, untilCut);
}

/**
 * Not to be believed by the other side, or not to believe it, is no fault of the copy: tickets expire
 * while a hub is away, certificates are renewed or joined for anew. So it is tried again, as with a
 * site that is away. A ticket for something else (FORBIDDEN) is a fault, and stays one.
 */
function passing(error: unknown): Refusal {
  const refusal = Refusal.from(error);
  if (refusal.code !== 'UNAUTHENTICATED') return refusal;
  const { message, hint } = refusal;
  return new Refusal('UNAVAILABLE', `broken off: ${message}`, { hint, cause: refusal });
}
