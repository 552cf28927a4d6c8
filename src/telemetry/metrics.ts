import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/**
 * Left out of prom-client's set: gauges whose names end in `_total`, which Prometheus
 * reserves for counters. The same numbers are there by type without them.
 */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** The registry of one process: its build, its process figures, and whatever its parts add. */
export function createRegistry(component: 'hub' | 'agent', version: string): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  new Gauge({
    name: 'entrepot_build_info',
    help: 'Constant 1, labelled with what is running.',
    labelNames: ['version', 'component'],
    registers: [registry],
  }).set({ version, component }, 1);
  return registry;
}

/** One sample of a gauge that is derived from state when Prometheus asks. */
export interface Sample<Label extends string> {
  readonly labels: Readonly<Record<Label, string>>;
  readonly value: number;
}

/** A gauge with exactly the series `read` returns: what is no longer in the state is gone from the scrape. */
export function derivedGauge<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly Label[],
  read: () => Iterable<Sample<Label>>,
): void {
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.set({ ...labels }, value);
    },
  });
}

/**
 * Calls `read` once per scrape, however many gauges ask: a registry asks all of them
 * without a turn of the event loop between.
 */
export function oncePerScrape<Snapshot>(read: () => Snapshot): () => Snapshot {
  let current: { readonly snapshot: Snapshot } | undefined;
  return () => {
    if (current === undefined) {
      current = { snapshot: read() };
      queueMicrotask(() => {
        current = undefined;
      });
    }
    return current.snapshot;
  };
}

/** Labels of what became of an attempt at a task; `reason` is a Refusal code, empty when it went well. */
export type TaskOutcome = 'done' | 'failed' | 'retried' | 'cancelled';
