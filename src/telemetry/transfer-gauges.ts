import type { Registry } from 'prom-client';
import type { Phase } from '../domain/job.ts';
import { derivedGauge } from './metrics.ts';

/** A copy or an upload that comes in at a store. */
export interface CopyInFlight {
  readonly imageId: string;
  readonly storeId: string;
  readonly phase: Phase;
  readonly doneBytes: number;
  readonly sizeBytes: number;
  /** Undefined while it is not known. */
  readonly rateBytesPerSecond: number | undefined;
}

interface Transfers {
  readonly stores: readonly { readonly id: string }[];
  readonly copiesInFlight: readonly CopyInFlight[];
}

/** How far what comes in is: of each image and store while it comes, and of each store. */
export function deriveTransferGauges(registry: Registry, read: () => Transfers): void {
  const inFlight = (value: (copy: CopyInFlight) => number) => () =>
    read().copiesInFlight.map((copy) => ({
      labels: { image: copy.imageId, store: copy.storeId },
      value: value(copy),
    }));
  derivedGauge(
    registry,
    'entrepot_copy_done_bytes',
    'How far a copy under way is; gone when it ends.',
    ['image', 'store'],
    inFlight((copy) => copy.doneBytes),
  );
  derivedGauge(
    registry,
    'entrepot_copy_size_bytes',
    'Size of a copy under way; gone when it ends.',
    ['image', 'store'],
    inFlight((copy) => copy.sizeBytes),
  );
  derivePerStore(registry, read);
}

/** What comes in at a store, of all images together: one series for each store, however many images. */
function derivePerStore(registry: Registry, read: () => Transfers): void {
  const perStore = (value: (copies: readonly CopyInFlight[]) => number) => () => {
    const { stores, copiesInFlight } = read();
    const at = Map.groupBy(copiesInFlight, (copy) => copy.storeId);
    return stores.map(({ id }) => ({ labels: { store: id }, value: value(at.get(id) ?? []) }));
  };
  const sum = (figures: readonly number[]) => figures.reduce((total, figure) => total + figure, 0);
  derivedGauge(
    registry,
    'entrepot_store_transfers',
    'Copies and uploads that come in at the store now.',
    ['store'],
    perStore((copies) => copies.length),
  );
  derivedGauge(
    registry,
    'entrepot_store_transfer_bytes_per_second',
    'Image data that arrived at the store over the last five seconds; resumed bytes and reading back are not in it.',
    ['store'],
    perStore((copies) =>
      sum(
        copies.map(({ phase, rateBytesPerSecond = 0 }) =>
          phase === 'transferring' ? rateBytesPerSecond : 0,
        ),
      ),
    ),
  );
  derivedGauge(
    registry,
    'entrepot_store_transfer_done_bytes',
    'How far all that comes in at the store now is, each by its phase.',
    ['store'],
    perStore((copies) => sum(copies.map(({ doneBytes }) => doneBytes))),
  );
  derivedGauge(
    registry,
    'entrepot_store_transfer_size_bytes',
    'Size of all that comes in at the store now.',
    ['store'],
    perStore((copies) => sum(copies.map(({ sizeBytes }) => sizeBytes))),
  );
}
