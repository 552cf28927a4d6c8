import { defineConfig } from 'vitest/config';

/** Calls into librbd run on libuv's pool, which is sized before a worker's first use of it. */
const env = { UV_THREADPOOL_SIZE: '16' };

/** Two cores: more files at a time only make each other's waits longer. */
const WORKERS = 2;

/** Those that start a cluster or daemons of their own, ask for no time, and mostly wait: two at once. */
const BESIDE = [
  'test/ceph/rbd-away.test.ts',
  'test/ceph/rbd-clones.test.ts',
  'test/ceph/rbd-errors.test.ts',
  'test/ceph/rbd-extents.test.ts',
  'test/contract/rbd.test.ts',
  'test/e2e/ceph/adopt.test.ts',
  'test/e2e/ceph/crash.test.ts',
  'test/e2e/ceph/import-crash.test.ts',
  'test/e2e/ceph/imports.test.ts',
  'test/e2e/ceph/life.test.ts',
  'test/e2e/file/bad-*.test.ts',
  'test/e2e/file/crash.test.ts',
  'test/e2e/file/download.test.ts',
  'test/e2e/file/hostile.test.ts',
  'test/e2e/file/import-crash.test.ts',
  'test/e2e/file/life.test.ts',
  'test/e2e/file/many-stores.test.ts',
  'test/e2e/file/observability.test.ts',
  'test/e2e/file/resent.test.ts',
  'test/e2e/file/resumed-upload.test.ts',
  'test/e2e/file/web-download.test.ts',
  'test/e2e/trust/methods.test.ts',
  'test/e2e/trust/processes.test.ts',
  'test/e2e/trust/secrets.test.ts',
  'test/e2e/trust/tickets.test.ts',
];

/** All others that do have the machine to themselves. */
const ALONE = ['test/ceph/**/*.test.ts', 'test/contract/rbd.test.ts', 'test/e2e/**/*.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    hookTimeout: 60_000,
    // A second is soon over on a busy machine, and only what fails waits for longer.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: ALONE,
          env,
          maxWorkers: WORKERS,
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'daemons',
          include: BESIDE,
          env,
          maxWorkers: WORKERS,
          testTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ALONE,
          exclude: BESIDE,
          env,
          maxWorkers: 1,
          testTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
