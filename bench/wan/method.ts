import type { Clients } from '../common/meter.ts';
import type { Edge, SiteName } from './topology.ts';

/** A way of bringing an image over the links. */
export interface Method {
  /** As `--only` takes it. */
  readonly name: string;
  /** For the table. */
  readonly title: string;
  /** Whatever comes before the timed part, on links without limits. `number`: of the run, for bytes that no other has. */
  prepare(number: number, signal: AbortSignal): Promise<Trial>;
}

/** Data that goes over a link. */
export interface Leg {
  readonly from: SiteName;
  readonly to: SiteName;
  readonly edge: Edge;
}

/** One run. Disposing of it removes what it made; links have no limits then either. */
export interface Trial extends AsyncDisposable {
  readonly clients: Clients;
  /** In the order in which the data goes over them. The first one is the one that is looked at. */
  readonly legs: readonly [Leg, ...Leg[]];
  /** The timed part. Rejects when it did not come to its end. Resolves with the seconds it took, where it knows better than the clock around it. */
  run(): Promise<number | undefined>;
}

export const PULL: Leg = { from: 'central', to: 'dcn0', edge: 'dcn0' };
export const PUSH: Leg = { from: 'dcn0', to: 'central', edge: 'dcn0' };
export const ONWARD: Leg = { from: 'central', to: 'dcn1', edge: 'dcn1' };
