import { defineConfig } from 'vitest/config';

/** Calls into librbd run on libuv's pool, which is sized before a worker's first use of it. */
const env = { UV_THREADPOOL_SIZE: '16' };

/** Two cores: more files at a time only make each other's waits longer. */
const WORKERS = 2;

/** Those that start clusters or daemons of their own have the machine to themselves. */
const ALONE = ['test/ceph/**/*.test.ts', 'test/contract/rbd.test.ts', 'test/e2e/**/*.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: ALONE,
          env,
          maxWorkers: WORKERS,
          testTimeout: 20_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ALONE,
          env,
          maxWorkers: 1,
          testTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
