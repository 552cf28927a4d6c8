import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';
import { expect, test } from 'vitest';
import { IdleMemory } from '../../../src/agent/idle-memory.ts';

const MIB = 1024 * 1024;

test('memory is given back once after each time of work, and not during it', async () => {
  let isBusy = false;
  let trims = 0;
  using _idle = new IdleMemory({ isBusy: () => isBusy, trim: () => void trims++, everyMs: 5 });
  await sleep(50);
  expect(trims).toBe(0);
  for (const after of [1, 2]) {
    isBusy = true;
    await sleep(50);
    expect(trims).toBe(after - 1);
    isBusy = false;
    await sleep(100);
    expect(trims).toBe(after);
  }
});

test('what was freed in the middle of the heap is no longer resident', async () => {
  const libc = koffi.load(null);
  const malloc = libc.func('void *malloc(size_t bytes)');
  const free = libc.func('void free(void *at)');
  const memset = libc.func('void *memset(void *at, int byte, size_t bytes)');
  const blockBytes = 64 * 1024;
  const take = () => {
    const at = malloc(blockBytes);
    memset(at, 1, blockBytes);
    return at;
  };
  let isBusy = true;
  using _idle = new IdleMemory({ isBusy: () => isBusy, everyMs: 5 });
  // Smaller than what malloc asks the system for by itself, with one at the end that keeps it from shrinking its heap.
  const blocks = Array.from({ length: 2048 }, take);
  const last = take();
  for (const block of blocks) free(block);
  await sleep(50);
  const beforeBytes = process.memoryUsage.rss();
  isBusy = false;
  const until = performance.now() + 5000;
  while (beforeBytes - process.memoryUsage.rss() < 100 * MIB && performance.now() < until) await sleep(20);
  expect(beforeBytes - process.memoryUsage.rss()).toBeGreaterThan(100 * MIB);
  free(last);
});
