import { randomBytes, randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { PartialImage } from '../../src/store/store.ts';
import { describeWithCeph } from './cluster/describe.ts';
import { expectWhole, formOf, MIB, makeWhole, refusal, useCluster } from './rbd-fixture.ts';

const TEST_TIMEOUT_MS = 120_000;
const GIB = 1024 * MIB;
const CHUNK = 4 * MIB;
/** A full pool answers, it does not let writers wait. */
const PROMPT_MS = 5_000;

await describeWithCeph('rbd store of a full pool', () => {
  const fixture = useCluster({ blockBytes: 1 * GIB });

  /** Writes chunk after chunk until one is refused; how many were taken. */
  async function fill(image: PartialImage): Promise<{ chunks: number; waitedMs: number }> {
    const data = randomBytes(CHUNK);
    for (let chunk = 0; chunk < image.sizeBytes / CHUNK; chunk += 1) {
      const began = performance.now();
      try {
        await image.write(chunk * CHUNK, data);
      } catch (error) {
        expect(error).toMatchObject({ name: 'Refusal', code: 'NO_SPACE' });
        expect((error as Error).message).toContain("pool 'images' is full");
        return { chunks: chunk, waitedMs: performance.now() - began };
      }
    }
    throw new Error('it never was full');
  }

  it('refuses promptly, lets go of what is discarded, and works again', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { store, cluster } = fixture();
    const [before, large, small] = [randomUUID(), randomUUID(), randomUUID()];
    await makeWhole(store, before);
    {
      await using image = await store.openPartial(large, 2 * GIB);
      const { chunks, waitedMs } = await fill(image);
      expect(chunks).toBeGreaterThan(50);
      expect(waitedMs).toBeLessThan(PROMPT_MS);
      // The image stays readable, and a new one is refused the same way.
      await image.read(0, Buffer.alloc(CHUNK));
      await refusal(makeWhole(store, small), 'NO_SPACE');
    }
    await store.discard(small);
    // Names need space too: a whole image goes from a full pool all the same.
    await store.remove(before);
    expect(await formOf(store, before)).toBeUndefined();
    const began = performance.now();
    await store.discard(large);
    expect(performance.now() - began).toBeLessThan(10 * PROMPT_MS);
    expect(await formOf(store, large)).toBeUndefined();
    expect(await cluster.rados(['-p', 'images', 'ls'])).not.toMatch(/rbd_(data|header|id)/);

    // The OSD tells the monitor at its next heartbeat.
    await expect
      .poll(() => makeWhole(store, small).then(() => 'made', String), { timeout: 30_000 })
      .toBe('made');
    await expectWhole(store, small);
    await store.remove(small);
  });
});
