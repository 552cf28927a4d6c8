import type { Clients } from '../common/meter.ts';

/** A way of getting an image into other clusters. */
export interface Method {
  /** As `--only` takes it. */
  readonly name: string;
  /** What it does, for the table. */
  readonly title: string;
  /** How many copies a run makes. */
  readonly copies: number;
  /** Whatever comes before the timed part: empty images to be filled, processes, connections. */
  prepare(signal: AbortSignal): Promise<Trial>;
}

/** One run. Disposing of it removes what it made. */
export interface Trial extends AsyncDisposable {
  readonly clients: Clients;
  /** The timed part. Rejects when it did not come to its end. Resolves with the seconds it took, where it knows better than the clock around it. */
  run(): Promise<number | undefined>;
  /** Reads every copy back and compares it. Rejects when a byte differs. */
  check(): Promise<Outcome>;
}

export interface Outcome {
  /** Image data that crossed the network, or would have; undefined where nothing stands between the clusters. */
  readonly wireBytes: number | undefined;
  /** Size of the objects of each copy. */
  readonly poolBytes: readonly number[];
}
