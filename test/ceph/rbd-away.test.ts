import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, it } from 'vitest';
import { Refusal } from '../../src/domain/refusal.ts';
import { describeWithCeph } from './cluster/describe.ts';
import { expectWhole, formOf, MIB, makeWhole, refusal, useCluster } from './rbd-fixture.ts';

const TEST_TIMEOUT_MS = 240_000;
const SITE_TIMEOUT_MS = 3_000;
/** Over the time limit: the OSD client looks at its timers once in a while. */
const SLACK_MS = 3_000;
/** After a crash an OSD serves no reads before the lease its former self had is over, 16 s; twice if it was not the first. */
const BACK_MS = 90_000;

await describeWithCeph('rbd store whose site goes away', () => {
  const fixture = useCluster({}, { timeoutMs: SITE_TIMEOUT_MS });

  async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await work;
    } finally {
      expect(performance.now() - began).toBeLessThan(limitMs);
    }
  }

  /** How soon after its start an OSD serves is the machine's affair; that it does, without a new store, is ours. */
  async function onceBack<T>(call: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + BACK_MS;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        const isAway = error instanceof Refusal && (error.code === 'UNAVAILABLE' || error.code === 'TIMEOUT');
        if (!isAway || performance.now() > deadline) throw error;
      }
    }
  }

  it('says so in time, and works again with the same store and images', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { store, cluster, open } = fixture();
    const [whole, begun] = [randomUUID(), randomUUID()];
    await makeWhole(store, whole);
    const reader = await store.openWhole(whole);
    const writer = await store.openPartial(begun, 12 * MIB);
    await writer.write(0, Buffer.alloc(MIB, 1));
    await writer.flush();

    await cluster.stopOsd('SIGKILL');
    const limitMs = SITE_TIMEOUT_MS + SLACK_MS;
    const data = Buffer.alloc(MIB, 2);
    await Promise.all(
      [
        () => reader.read(0, Buffer.alloc(MIB)),
        () => writer.write(MIB, data),
        () => writer.setMetadata('entrepot.test', 'x'),
        () => store.list(),
        () => store.openWhole(whole),
        () => open(),
      ].map((call) => within(limitMs, refusal(call(), 'UNAVAILABLE', 'TIMEOUT'))),
    );
    // Many steps, each with the limit: later than one, but not for ever.
    await within(4 * limitMs, refusal(store.openPartial(randomUUID(), 12 * MIB), 'UNAVAILABLE', 'TIMEOUT'));

    await cluster.startOsd();
    await onceBack(() => reader.read(0, data));
    expect(data.every((byte) => byte === 0x5a)).toBe(true);
    await writer.write(0, Buffer.alloc(MIB, 7));
    await writer.write(11 * MIB, Buffer.alloc(MIB, 7));
    await writer.write(MIB, Buffer.alloc(MIB));
    await writer.setMetadata('entrepot.test', 'y');
    await writer.flush();
    expect(await writer.metadata('entrepot.test')).toBe('y');
    await writer[Symbol.asyncDispose]();
    await reader[Symbol.asyncDispose]();
    await store.publish(begun);
    await expectWhole(store, begun, 7);
    const info = await cluster.rbd(['info', '--format', 'json', `images/${begun}`]);
    expect((JSON.parse(info) as { flags: string[] }).flags).toEqual([]);
    await store.remove(begun);
    await store.remove(whole);
    expect(await formOf(store, begun)).toBeUndefined();
  });

  it('leaves the event loop and the rest of the process alone', { timeout: TEST_TIMEOUT_MS }, async () => {
    const { store, cluster } = fixture();
    const imageId = randomUUID();
    await makeWhole(store, imageId);
    await using reader = await store.openWhole(imageId);
    await cluster.stopOsd('SIGKILL');
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    const reads = Array.from({ length: 20 }, () => refusal(reader.read(0, Buffer.alloc(MIB)), 'UNAVAILABLE'));
    // Files are read on the same threads as Ceph: some are kept free for them.
    await within(2_000, readFile(cluster.confPath));
    await Promise.all(reads);
    delay.disable();
    expect(delay.max / 1e6).toBeLessThan(2_000);
    await cluster.startOsd();
    await onceBack(() => reader.read(0, Buffer.alloc(MIB)));
  });

  it('can be closed while it is away', { timeout: TEST_TIMEOUT_MS }, async () => {
    const { cluster, open } = fixture();
    const store = await open();
    const imageId = randomUUID();
    const writer = await store.openPartial(imageId, 12 * MIB);
    await writer.write(0, Buffer.alloc(MIB, 1));
    await cluster.stopOsd('SIGKILL');
    const lost = refusal(writer.write(MIB, Buffer.alloc(MIB, 1)), 'UNAVAILABLE', 'TIMEOUT');
    await within(6 * (SITE_TIMEOUT_MS + SLACK_MS), store[Symbol.asyncDispose]());
    await lost;
    await cluster.startOsd();
    await onceBack(() => fixture().store.discard(imageId));
    expect(await formOf(fixture().store, imageId)).toBeUndefined();
  });

  it('says so when the monitor does not answer either', { timeout: TEST_TIMEOUT_MS }, async () => {
    const { cluster, open } = fixture();
    await cluster.stopOsd();
    await cluster.stopMon();
    await within(SITE_TIMEOUT_MS + SLACK_MS, refusal(open(), 'UNAVAILABLE', 'TIMEOUT'));
    await cluster.startMon();
    await cluster.startOsd();
    await (await onceBack(open))[Symbol.asyncDispose]();
  });
});
