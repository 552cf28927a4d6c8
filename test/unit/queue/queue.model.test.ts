import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isEnded } from '../../../src/domain/job.ts';
import { LANES } from '../../../src/domain/lane.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { failed } from './fake-sites.ts';
import { STORE_IDS, World } from './world.ts';

const EDGES = ['dcn0', 'dcn1'];

/** One thing that happens: a request, a step of an agent, a failure, a crash. */
type Step = (world: World) => void | Promise<void>;

const imageIndex = fc.nat({ max: 1 });
const storeId = fc.constantFrom(...STORE_IDS);
const pick = fc.nat({ max: 3 });
const named = <T>(
  name: string,
  arbitrary: fc.Arbitrary<T>,
  step: (world: World, value: T) => void | Promise<void>,
) =>
  arbitrary.map((value): { name: string; step: Step } => ({
    name: `${name} ${JSON.stringify(value)}`,
    step: (world) => step(world, value),
  }));

const steps = fc.oneof(
  {
    weight: 3,
    arbitrary: named(
      'import',
      fc.tuple(imageIndex, storeId, fc.subarray(EDGES), fc.boolean()),
      (world, [n, entry, stores, must]) =>
        void world.import(world.imageIds[n] as string, entry, stores, must),
    ),
  },
  {
    weight: 5,
    arbitrary: named(
      'copy',
      fc.tuple(imageIndex, fc.subarray(EDGES), fc.boolean(), fc.boolean(), fc.constantFrom(...LANES)),
      (world, [n, storeIds, allStores, allMustSucceed, lane]) =>
        void world.copy(world.imageIds[n] as string, { storeIds, allStores, allMustSucceed }, lane),
    ),
  },
  {
    weight: 2,
    arbitrary: named(
      'delete-copy',
      fc.tuple(imageIndex, storeId),
      (world, [n, store]) => void world.deleteCopy(world.imageIds[n] as string, store),
    ),
  },
  {
    weight: 1,
    arbitrary: named('delete', imageIndex, (world, n) => void world.deleteImage(world.imageIds[n] as string)),
  },
  {
    weight: 2,
    arbitrary: named('cancel', pick, (world, n) => {
      const jobs = world.unendedJobs;
      const job = jobs[n % Math.max(1, jobs.length)];
      if (job) world.queue.cancel(job.id, 'ada');
    }),
  },
  {
    weight: 6,
    arbitrary: named('begin', fc.tuple(storeId, pick), (world, [store, n]) => world.sites.begin(store, n)),
  },
  {
    weight: 8,
    arbitrary: named('end', fc.tuple(storeId, pick), (world, [store, n]) => world.sites.end(store, n)),
  },
  {
    weight: 3,
    arbitrary: named(
      'fail',
      fc.tuple(storeId, pick, fc.constantFrom('UNAVAILABLE', 'NO_SPACE', 'CORRUPT', 'INTERNAL')),
      (world, [store, n, code]) => world.sites.end(store, n, failed(code as 'CORRUPT', 'failed')),
    ),
  },
  { weight: 4, arbitrary: named('attach', storeId, (world, store) => world.attach(store)) },
  {
    weight: 2,
    arbitrary: named('detach', fc.tuple(storeId, fc.boolean()), (world, [store, killed]) =>
      world.detach(store, killed),
    ),
  },
  {
    weight: 1,
    arbitrary: named('revoke or admit', fc.tuple(storeId, fc.boolean()), (world, [store, out]) =>
      out ? world.revoke(store) : world.admit(store),
    ),
  },
  {
    weight: 2,
    arbitrary: named('pause or resume a job', fc.tuple(pick, fc.boolean()), (world, [n, isPaused]) => {
      const jobs = world.unendedJobs;
      const job = jobs[n % Math.max(1, jobs.length)];
      if (job) world.pauseJob(job, isPaused);
    }),
  },
  {
    weight: 2,
    arbitrary: named('pause or resume a store', fc.tuple(storeId, fc.boolean()), (world, [store, isPaused]) =>
      world.pauseStore(store, isPaused),
    ),
  },
  {
    weight: 1,
    arbitrary: named(
      'remove and add',
      fc.tuple(fc.constantFrom(...EDGES), fc.boolean()),
      (world, [store, isEmpty]) => world.readd(store, isEmpty),
    ),
  },
  { weight: 1, arbitrary: named('answer lost', storeId, (world, store) => world.sites.report(store, true)) },
  {
    weight: 1,
    arbitrary: named(
      'clone',
      fc.tuple(imageIndex, storeId, fc.boolean()),
      (world, [n, store, there]) =>
        void world.sites.site(store).clones.set(world.imageIds[n] as string, there ? ['vms/clone'] : []),
    ),
  },
  { weight: 1, arbitrary: named('hub restart', fc.constant(0), (world) => world.restartHub()) },
  {
    weight: 2,
    arbitrary: named('time', fc.constant(0), (world) => world.pass(5000)),
  },
);

/** A refusal changes nothing and is no failure of the model; anything else is. */
async function run(world: World, { step }: { step: Step }): Promise<void> {
  try {
    await step(world);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'INTERNAL') throw error;
  }
  await world.settle();
  world.check();
}

/** Everyone is back, nothing is paused, nothing fails any more: whatever was accepted must come to its end. */
async function finish(world: World): Promise<void> {
  for (const site of world.sites.sites.values()) site.clones.clear();
  for (const id of STORE_IDS) world.admit(id);
  for (const id of STORE_IDS) world.pauseStore(id, false);
  for (const job of world.unendedJobs) if (!job.cancelRequested) world.pauseJob(job, false);
  for (let round = 0; round === 0 || (round < 60 && world.unendedJobs.length > 0); round++) {
    for (const id of STORE_IDS) world.attach(id);
    world.nowMs += 10_000;
    world.detach('dcn0', false);
    world.attach('dcn0');
    await world.settle();
    for (const id of STORE_IDS) for (let n = 0; n < 4; n++) world.sites.end(id, 0);
    await world.settle();
    world.check();
  }
}

test('random requests, crashes and lost messages: the invariants hold and every job ends', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 60 }), async (sequence) => {
      using world = new World(2);
      world.fill(world.imageIds[0] as string);
      for (const id of STORE_IDS) world.attach(id);
      for (const step of sequence) await run(world, step);
      await finish(world);
      const open = world.unendedJobs.map((job) => `${job.spec.kind} ${job.state}`);
      expect(open).toEqual([]);
      // No half image is left where the catalogue knows of none, nor comes back with its agent.
      for (const id of STORE_IDS) {
        for (const { imageId, form } of world.sites.inventory(id)) {
          if (form === 'partial') expect(world.catalogue.copies.find(imageId, id)?.state).toBe('failed');
        }
      }
      for (const id of STORE_IDS) {
        world.detach(id, true);
        world.attach(id);
        for (const { imageId, form } of world.sites.inventory(id)) {
          const copy = world.catalogue.copies.find(imageId, id);
          if (form === 'partial') expect(copy?.state).toBe('failed');
        }
      }
      for (const job of world.catalogue.jobs.page({ all: true, limit: 1000 })) {
        expect(isEnded(job)).toBe(true);
        expect(
          world.catalogue.tasks
            .ofJob(job.id)
            .every((task) => task.state === 'done' || task.state === 'failed'),
        ).toBe(true);
      }
    }),
    { numRuns: Number(process.env['ENTREPOT_MODEL_RUNS'] ?? 150) },
  );
}, 120_000);
