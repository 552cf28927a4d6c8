import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Calls into librbd run on libuv's pool, which is sized before a worker's first use of it.
    pool: 'forks',
    env: { UV_THREADPOOL_SIZE: '16' },
    // Two cores: more files at a time only make each other's waits longer.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
