import { loadavg } from 'node:os';
import { Images } from '../../src/rpc/proto.ts';
import { BenchHub, type Memory, OPERATOR } from './bench-hub.ts';
import { type CopyFigures, copyToAll } from './copying.ts';
import { fillCatalogue } from './fill.ts';
import { issueIdentities } from './identities.ts';
import { type CallFigures, measureCalls } from './measure.ts';
import { Operators } from './operators.ts';
import { type BenchOptions, freshImages, SINGLE_COPIES } from './options.ts';
import { CENTRAL, type PopulatedImage, type Population, populate } from './population.ts';
import { Profiler } from './profiler.ts';
import { SiteFleet } from './site-fleet.ts';

/** Of each kind of call, alone and with others. */
const CALLS_MS = 4000;
const BUSY_CALLERS = 8;
/** Before anything is measured: code that was never run is slow. */
const WARM_UP_CALLS = 200;

/** What is measured of one kind of call. */
export interface MethodFigures {
  /** One caller, one call at a time. */
  readonly alone: CallFigures;
  /** BUSY_CALLERS callers. */
  readonly busy: CallFigures;
}

/** What one number of sites comes to. */
export interface RunFigures {
  readonly sites: number;
  readonly images: number;
  readonly copies: number;
  /** Processes that wanted a processor before the run, over a minute: with any to speak of, measure again. */
  readonly loadBefore: number;
  /** Seconds until the hub is ready with a full catalogue. */
  readonly startSeconds: number;
  /** Seconds until all sites are attached, which the hub's limit on new connections decides. */
  readonly attachSeconds: number;
  readonly list: MethodFigures;
  readonly show: MethodFigures;
  /** To one store each. */
  readonly copy: MethodFigures;
  readonly copyOne: CopyFigures;
  readonly copyTogether: CopyFigures;
  /** A page of images that all stores hold. */
  readonly listOfCopied: CallFigures;
  readonly showOfCopied: CallFigures;
  readonly memory: { readonly attached: Memory; readonly end: Memory };
  readonly databaseBytes: { readonly filled: number; readonly end: number; readonly endLog: number };
  readonly detached: { readonly times: number; readonly lastReason: string };
}

export interface RunRequest {
  readonly sites: number;
  readonly options: BenchOptions;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Everything with one number of sites, from an empty folder; nothing of it is left in the end. */
export async function run({ sites, options, say, signal }: RunRequest): Promise<RunFigures> {
  await using stack = new AsyncDisposableStack();
  const { images, copies, together, limitMs, profileFolder } = options;
  const size = { sites, images, copies, freshImages: freshImages(together) };
  const population = populate(size);
  const [loadBefore = Number.NaN] = loadavg();

  say(`${sites} sites: making a hub, ${images} images and ${population.copies} copies in its catalogue`);
  const hub = stack.use(await BenchHub.create(profileFolder !== undefined));
  const identities = await issueIdentities(hub.credentialsFolder, population.storeIds);
  fillCatalogue({ path: hub.cataloguePath, population, identities, owner: OPERATOR });
  signal.throwIfAborted();
  const filled = await hub.databaseBytes();
  const startSeconds = await seconds(() => hub.start());
  const { debugPort } = hub;
  const profiler =
    profileFolder === undefined || debugPort === undefined
      ? undefined
      : stack.use(await Profiler.connect(debugPort, profileFolder, signal));
  const profiled = async <T>(name: string, work: () => Promise<T>): Promise<T> =>
    profiler === undefined ? await work() : await profiler.during(`${name}-${sites}`, work);

  say(`${sites} sites: attaching them`);
  const operator = await hub.operator();
  const order = { hub: hub.address, caPem: operator.caPem, size, identities };
  const attachBeganMs = performance.now();
  const fleet = stack.use(await profiled('attach', () => SiteFleet.start(order, signal)));
  const attachSeconds = (performance.now() - attachBeganMs) / 1000;
  const operators = stack.use(new Operators(hub.address, operator, signal));
  const attachedMemory = await hub.memory();

  say(`${sites} sites: list and show`);
  const { settled, single, one, many } = parts(population, together);
  const any = (index: number) => settled[(index * 7919) % settled.length] as PopulatedImage;
  const list = (index: number) => operators.ask(Images.List, { marker: any(index).id });
  const show = (index: number) => operators.ask(Images.Get, { imageId: any(index).id });
  for (const call of [list, show]) {
    await measureCalls(call, { callers: BUSY_CALLERS, until: (calls) => calls >= WARM_UP_CALLS, signal });
  }
  const until = (_calls: number, elapsedMs: number) => elapsedMs > CALLS_MS;
  const method = async (call: (index: number) => Promise<unknown>): Promise<MethodFigures> => {
    const alone = await measureCalls(call, { callers: 1, until, signal });
    return { alone, busy: await measureCalls(call, { callers: BUSY_CALLERS, until, signal }) };
  };
  const listed = await profiled('list', () => method(list));
  const shown = await profiled('show', () => method(show));

  say(`${sites} sites: copies to one store each, of ${single.length} images`);
  const edges = population.storeIds.filter((id) => id !== CENTRAL);
  const copyOf = (first: number) => (index: number) => {
    const imageId = (single[first + index] as PopulatedImage).id;
    const storeIds = [edges[index % edges.length] as string];
    return operators.ask(Images.Copy, { imageId, storeIds });
  };
  const copied = {
    alone: await measureCalls(copyOf(0), {
      callers: 1,
      until: (calls) => calls >= SINGLE_COPIES.alone,
      signal,
    }),
    busy: await measureCalls(copyOf(SINGLE_COPIES.alone), {
      callers: BUSY_CALLERS,
      until: (calls) => calls >= SINGLE_COPIES.busy,
      signal,
    }),
  };
  await fleet.waitForKept(single.length - copied.alone.failures - copied.busy.failures, limitMs, signal);

  const copying = { hub, fleet, operators, edges: edges.length, limitMs, signal };
  say(`${sites} sites: one image to all`);
  const copyOne = await profiled('copy-one', () =>
    copyToAll([one], { ...copying, meanwhile: { show, list } }),
  );
  say(`${sites} sites: ${many.length} images to all at once`);
  const copyTogether = await profiled('copy-together', () =>
    copyToAll(many, { ...copying, meanwhile: { show, list } }),
  );

  say(`${sites} sites: list and show of the images that were copied`);
  const listOfCopied = await measureCalls(() => operators.ask(Images.List, {}), {
    callers: 1,
    until,
    signal,
  });
  const showOfCopied = await measureCalls(
    (index) =>
      operators.ask(Images.Get, {
        imageId: (many[index % many.length] as PopulatedImage).id,
      }),
    { callers: 1, until, signal },
  );
  const endMemory = await hub.memory();
  const end = await hub.databaseBytes();
  const { detached } = fleet;
  return {
    sites,
    images,
    copies: population.copies,
    loadBefore,
    startSeconds,
    attachSeconds,
    list: listed,
    show: shown,
    copy: copied,
    copyOne,
    copyTogether,
    listOfCopied,
    showOfCopied,
    memory: { attached: attachedMemory, end: endMemory },
    databaseBytes: { filled: filled.file + filled.log, end: end.file, endLog: end.log },
    detached,
  };
}

/** The images by what is done with them. Those that go to all stores are the newest: the first page of a list. */
function parts({ images }: Population, together: number) {
  const singles = SINGLE_COPIES.alone + SINGLE_COPIES.busy;
  const fresh = images.slice(images.length - freshImages(together));
  const [one] = fresh.slice(singles, singles + 1);
  return {
    settled: images.slice(0, Math.max(1, images.length - fresh.length)),
    single: fresh.slice(0, singles),
    one: one as PopulatedImage,
    many: fresh.slice(singles + 1),
  };
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const beganMs = performance.now();
  await work();
  return (performance.now() - beganMs) / 1000;
}
