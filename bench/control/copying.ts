import { Images, Jobs } from '../../src/rpc/proto.ts';
import type { BenchHub } from './bench-hub.ts';
import { type CallFigures, measureCalls } from './measure.ts';
import type { Operators } from './operators.ts';
import type { PopulatedImage } from './population.ts';
import type { SiteFleet } from './site-fleet.ts';

/** Calls under way at once. The hub takes 64 of one operator. */
const ASKED_AT_ONCE = 48;

/** Between two calls of those who look on: they are to see how the hub is, not to keep it busy. */
const LOOK_EVERY_MS = 50;

/** What copies to all stores come to. */
export interface CopyFigures {
  readonly images: number;
  /** Copies that the hub was to make: those it accepted, to stores that lack the image. */
  readonly copies: number;
  /** Until the last of the calls was answered. */
  readonly acceptedSeconds: number;
  readonly accept: CallFigures;
  /** From the first call to the last result that is on the hub's disk; undefined when not all ended in time. */
  readonly endedSeconds: number | undefined;
  /** Copies that ended in time. */
  readonly endedCopies: number;
  /** Of those, per second from the first call on. */
  readonly copiesPerSecond: number;
  /** Jobs whose state was not `succeeded` in the end. */
  readonly unsuccessful: number;
  readonly hubCpuSeconds: number;
  /** Calls of somebody who asks now and then, until the copies have ended. */
  readonly meanwhile: { readonly list: CallFigures; readonly show: CallFigures };
}

export interface CopyingParts {
  readonly hub: BenchHub;
  readonly fleet: SiteFleet;
  readonly operators: Operators;
  /** Stores that lack the images. */
  readonly edges: number;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly meanwhile: {
    readonly list: (index: number) => Promise<unknown>;
    readonly show: (index: number) => Promise<unknown>;
  };
}

/** Asks for all of these images to be copied to all stores, at once, and waits until they are. */
export async function copyToAll(
  images: readonly PopulatedImage[],
  parts: CopyingParts,
): Promise<CopyFigures> {
  const { hub, fleet, operators, edges, limitMs, signal } = parts;
  const keptBefore = fleet.kept;
  const cpuBefore = await hub.cpuSeconds();
  const over = new AbortController();
  const looking = look(parts, over.signal);
  // It is waited for in the end. When the bench is interrupted before that, nobody is there to hear of it.
  looking.catch(() => undefined);
  const jobIds: string[] = [];
  const beganAtMs = performance.timeOrigin + performance.now();
  const ask = async (index: number) => {
    const imageId = (images[index] as PopulatedImage).id;
    const request = { imageId, allStores: true };
    const reply = await operators.ask(Images.Copy, request, limitMs);
    jobIds.push(reply.job?.id ?? '');
  };
  const callers = Math.min(images.length, ASKED_AT_ONCE);
  const accept = await measureCalls(ask, { callers, until: (calls) => calls >= images.length, signal });
  const acceptedSeconds = (performance.timeOrigin + performance.now() - beganAtMs) / 1000;
  const copies = jobIds.length * edges;
  const leftMs = Math.max(1, limitMs - acceptedSeconds * 1000);
  const { kept, lastKeptAtMs } = await fleet.waitForKept(keptBefore + copies, leftMs, signal);
  const elapsedSeconds = Math.max(0, lastKeptAtMs - beganAtMs) / 1000;
  const hubCpuSeconds = (await hub.cpuSeconds()) - cpuBefore;
  over.abort();
  const endedCopies = kept - keptBefore;
  const isOver = endedCopies >= copies;
  return {
    images: images.length,
    copies,
    acceptedSeconds,
    accept,
    endedSeconds: isOver ? elapsedSeconds : undefined,
    endedCopies,
    copiesPerSecond: elapsedSeconds > 0 ? endedCopies / elapsedSeconds : 0,
    unsuccessful: isOver ? await unsuccessful(operators, jobIds) : images.length,
    hubCpuSeconds,
    meanwhile: await looking,
  };
}

async function look(
  { meanwhile, signal }: CopyingParts,
  over: AbortSignal,
): Promise<CopyFigures['meanwhile']> {
  const plan = { callers: 1, pauseMs: LOOK_EVERY_MS, until: () => over.aborted, signal };
  const [list, show] = await Promise.all([
    measureCalls(meanwhile.list, plan),
    measureCalls(meanwhile.show, plan),
  ]);
  return { list, show };
}

/** How many of the jobs did not end well. */
async function unsuccessful(operators: Operators, jobIds: readonly string[]): Promise<number> {
  let count = 0;
  for (const jobId of jobIds) {
    const { state } = await operators.ask(Jobs.Get, { jobId });
    if (state !== 'succeeded') count++;
  }
  return count;
}
