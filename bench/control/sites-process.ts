// A child of the bench: some of the simulated sites, all in this one process.
import { setTimeout as delay } from 'node:timers/promises';
import { credentialsOf } from './identities.ts';
import { holdings, populate } from './population.ts';
import { SimulatedSite } from './simulated-site.ts';
import type { SitesOrder, SitesReport } from './site-fleet.ts';

/** Counts go to the bench at most so often; the moment of the last result goes with them. */
const REPORT_MS = 20;

const counts = { attached: 0, detached: 0, kept: 0, lastKeptAtMs: 0, lastReason: '' };
let reporting: NodeJS.Timeout | undefined;

function changed(): void {
  if (reporting !== undefined) return;
  reporting = setTimeout(() => {
    reporting = undefined;
    process.send?.({ ...counts } satisfies SitesReport);
  }, REPORT_MS);
}

async function run({ hub, caPem, size, identities, dialMs, undelayed }: SitesOrder): Promise<void> {
  const held = holdings(populate(size));
  const leave = new AbortController();
  for (const [index, identity] of identities.entries()) {
    const { storeId } = identity;
    const site = new SimulatedSite({
      storeId,
      hub,
      credentials: credentialsOf(identity, caPem),
      held: held.get(storeId) ?? [],
      onAttached: () => {
        counts.attached++;
        changed();
      },
      onDetached: (reason) => {
        counts.attached--;
        counts.detached++;
        counts.lastReason = reason;
        changed();
      },
      onKept: () => {
        counts.kept++;
        counts.lastKeptAtMs = performance.timeOrigin + performance.now();
        changed();
      },
    });
    void site.run(leave.signal);
    if (index >= undelayed) await delay(dialMs);
  }
}

// The bench ends this process: by itself, and when it is gone.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
process.once('message', (order: SitesOrder) => void run(order));
