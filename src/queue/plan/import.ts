import { type ImportSpec, isTaskEnded, type Reason, type Task } from '../../domain/job.ts';
import {
  centralOf,
  copyAt,
  isImported,
  mustReachCentralFirst,
  outcomeOf,
  type StoreOutcome,
} from '../../domain/rules/index.ts';
import { CANCELLED, type Effect, type JobView, pursue, takeBack, targetAt } from './effects.ts';

/**
 * The bytes come in at the entry store; from an edge they go to central before anything
 * else (R3); then the other stores are filled from central. The image is active when R12
 * says so; until then a failure takes everything back and the record waits for data again.
 */
export function planImport(view: JobView, spec: ImportSpec): readonly Effect[] {
  const { job, tasks } = view;
  const entry = tasks.find((task) => task.kind === 'ingest');
  if (entry === undefined) {
    if (job.cancelRequested) return [{ do: 'end', state: 'cancelled', reason: CANCELLED }];
    // What comes from an operator is an upload to those who watch; all else is at work from the beginning.
    const status = spec.source.method === 'upload' ? 'uploading' : 'importing';
    // Of an import before this one, which was taken back: they told why.
    const failed = view.copies.filter((copy) => copy.state === 'failed' && !copy.isLeftOver);
    return [
      ...failed.map(({ storeId }): Effect => ({ do: 'forget-copy', storeId })),
      { do: 'image', status },
      { do: 'add-task', kind: 'ingest', storeId: spec.entryStoreId },
    ];
  }
  if (!isTaskEnded(entry)) return job.cancelRequested ? [{ do: 'stop-task', task: entry }] : [];
  if (entry.state === 'failed') return undone(view, entry.reason);
  if (view.image.status === 'uploading') return [{ do: 'image', status: 'importing' }];

  if (view.image.status === 'importing' && mustReachCentralFirst(spec.entryStoreId, view.stores)) {
    const before = reachCentral(view, spec);
    if (before !== 'there') return before;
  }
  if (view.image.status === 'importing' && isImported(view.copies, view.stores, spec)) {
    return [{ do: 'image', status: 'active' }];
  }
  return fillOthers(view, spec);
}

/** R3. The copy at the edge is held back until central has one, then both count. */
function reachCentral(view: JobView, spec: ImportSpec): readonly Effect[] | 'there' {
  const central = centralOf(view.stores).id;
  const target = targetAt(central, view, spec.entryStoreId);
  const next = pursue([target], view, true);
  if ('effects' in next) return next.effects;
  const [outcome] = next.outcomes;
  if (outcome?.ended === 'failed') return undo(view, [spec.entryStoreId], outcome.reason);
  if (copyAt(view.copies, spec.entryStoreId)?.state === 'copying') {
    return [{ do: 'release-copy', storeId: spec.entryStoreId }];
  }
  return 'there';
}

function fillOthers(view: JobView, spec: ImportSpec): readonly Effect[] {
  const central = centralOf(view.stores).id;
  const others = spec.storeIds.filter((id) => id !== central && id !== spec.entryStoreId);
  const targets = others.map((storeId) => targetAt(storeId, view));
  const next = pursue(targets, view, spec.allMustSucceed);
  if ('effects' in next) return next.effects;
  const made = [spec.entryStoreId, central].map((storeId): StoreOutcome => ({ storeId, ended: 'made' }));
  const outcome = outcomeOf([...made, ...next.outcomes], spec.allMustSucceed);
  if (outcome.state === 'failed') return undo(view, [...new Set(outcome.takeBack)], outcome.reason);
  if (outcome.state === 'partial' && view.job.cancelRequested) {
    return [{ do: 'end', state: 'cancelled', reason: CANCELLED }];
  }
  return [{ do: 'end', state: outcome.state, reason: outcome.reason }];
}

/** Edges first, then central, as with every delete (R9); then the record is as it was. What was adopted stays where it is. */
function undo(view: JobView, storeIds: readonly string[], reason: Reason | undefined): readonly Effect[] {
  const central = centralOf(view.stores).id;
  const adopted = adoptedAt(view);
  const made = storeIds.filter((id) => id !== adopted);
  const edges = takeBack(
    made.filter((id) => id !== central),
    view,
  );
  if (edges !== 'done') return edges;
  const rest = takeBack(
    made.filter((id) => id === central),
    view,
  );
  if (rest !== 'done') return rest;
  const forget: Effect[] =
    adopted !== undefined && copyAt(view.copies, adopted) !== undefined
      ? [{ do: 'forget-copy', storeId: adopted }]
      : [];
  return [...forget, ...undone(view, reason)];
}

/** Where the image lay before it came into the catalogue. */
function adoptedAt({ job: { spec } }: JobView): string | undefined {
  return spec.kind === 'import' && spec.source.method === 'adopt' ? spec.entryStoreId : undefined;
}

function undone(view: JobView, reason: Task['reason']): readonly Effect[] {
  const state = view.job.cancelRequested ? 'cancelled' : 'failed';
  return [
    { do: 'image', status: 'queued', forgetData: true },
    { do: 'end', state, reason: view.job.cancelRequested ? CANCELLED : reason },
  ];
}
