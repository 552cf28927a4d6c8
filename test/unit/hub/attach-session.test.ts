import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DRAFT, uuid } from '../catalogue/scratch.ts';
import { type AgentStream, AttachBench, hello, inventory, message } from './attach-bench.ts';

const MIB = 1024 * 1024;

let bench: AttachBench;
beforeEach(() => {
  bench = new AttachBench();
});
afterEach(() => {
  vi.useRealTimers();
  bench[Symbol.dispose]();
});

async function attached(): Promise<AgentStream> {
  const stream = bench.stream().say(hello(), inventory([]));
  await stream.settle();
  expect(stream.written).toMatchObject([{ welcome: {} }, { pacing: {} }]);
  return stream;
}

describe('a hello', () => {
  test('as it should be is taken', async () => {
    const running = Array.from({ length: 256 }, (_, n) => ({ taskId: uuid(n), attempt: 1 }));
    const stream = bench.stream().say(hello({ version: 'v'.repeat(64), running }), inventory([]));
    await stream.settle();
    expect(bench.attachments.get('dcn0')).toMatchObject({
      version: 'v'.repeat(64),
      transferAddress: '127.0.0.1:7442',
    });
  });

  test.each([
    ['a store id that is none', { storeId: 'x'.repeat(MIB) }],
    ['a driver that is not known', { driver: 'x'.repeat(MIB) }],
    ['a long fsid', { fsid: 'x'.repeat(256) }],
    ['a long pool', { pool: 'x'.repeat(256) }],
    ['a pool that moves the cursor', { pool: 'images\x1b[2J' }],
    ['a long version', { version: '1'.repeat(65) }],
    ['a version of two lines', { version: '1\n2' }],
    ['no address', { transferAddress: '' }],
    ['an address without a port', { transferAddress: 'agent.example' }],
    ['an address with port 0', { transferAddress: 'agent.example:0' }],
    ['an address that is a path', { transferAddress: 'unix:/run/other.sock' }],
    ['a long address', { transferAddress: `${'x'.repeat(MIB)}:7442` }],
    ['a task id that is none', { running: [{ taskId: 'x'.repeat(MIB), attempt: 1 }] }],
    [
      'more tasks than there can be',
      { running: Array.from({ length: 257 }, () => ({ taskId: uuid(1), attempt: 1 })) },
    ],
  ])('with %s ends the stream, and is not repeated at length', async (_what, fields) => {
    const refusal = await bench.stream().say(hello(fields), inventory([])).over;
    expect(refusal).toMatchObject({ code: 'INVALID' });
    expect(`${refusal?.message}${refusal?.hint}`.length).toBeLessThan(400);
    expect(bench.lines.join('').length).toBeLessThan(1000);
    expect(bench.attachments.isOnline('dcn0')).toBe(false);
  });
});

describe('an inventory', () => {
  const ids = (from: number, count: number) => Array.from({ length: count }, (_, n) => uuid(from + n));
  const pages = (count: number) =>
    Array.from({ length: count }, (_, n) => inventory(ids(n * 1000, 1000), n === count - 1));

  test('of a hundred thousand images is taken', async () => {
    const stream = bench.stream().say(hello(), ...pages(100));
    await vi.waitFor(() => expect(bench.attachments.isOnline('dcn0')).toBe(true), { timeout: 10_000 });
    expect(stream.isOver).toBe(false);
  });

  test('that goes on beyond that ends the stream', async () => {
    const refusal = await bench.stream().say(hello(), ...pages(101)).over;
    expect(refusal).toMatchObject({ code: 'INVALID' });
    expect(refusal?.message).toContain('more than 100000 images');
  });

  test.each([
    ['a page that is too long', inventory(ids(0, 1001))],
    ['an image without a UUID', inventory(['x'.repeat(MIB)])],
    ['another message in it', message({ heartbeat: { stagedImageIds: [] } })],
  ])('with %s ends the stream', async (_what, page) => {
    const refusal = await bench.stream().say(hello(), page).over;
    expect(refusal).toMatchObject({ code: 'INVALID' });
    expect(refusal?.message.length).toBeLessThan(400);
  });

  test('that does not end in time ends the stream', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stream = bench.stream().say(hello(), inventory([], false));
    await stream.settle();
    await vi.advanceTimersByTimeAsync(59_999);
    expect(stream.isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await stream.over).toMatchObject({ code: 'TIMEOUT' });
  });

  test('is read for one stream of a store at a time', async () => {
    const first = bench.stream().say(hello(), inventory(ids(0, 1000), false));
    await first.settle();
    const second = bench.stream().say(hello(), inventory([]));
    expect(await first.over).toMatchObject({ code: 'UNAVAILABLE' });
    await second.settle();
    expect(bench.attachments.isOnline('dcn0')).toBe(true);
    // The one that is attached is not the one that was about to.
    expect(second.isOver).toBe(false);
  });

  test('of another stream does not disturb the one that is attached until it is whole', async () => {
    const first = await attached();
    const second = bench.stream().say(hello());
    await second.settle();
    expect(first.isOver).toBe(false);
    second.say(inventory([]));
    expect(await first.over).toMatchObject({ code: 'UNAVAILABLE' });
    expect(second.isOver).toBe(false);
  });

  test('is not waited for when the hub stops', async () => {
    const stream = bench.stream().say(hello());
    await stream.settle();
    bench.attachments.closeAll();
    expect(await stream.over).toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('an attached agent', () => {
  const result = (taskId: string) => message({ result: { taskId, attempt: 1, deleted: {} } });

  test('that does not read its answers is not read either', async () => {
    const stream = await attached();
    const before = stream.read;
    stream.gate = new Promise(() => {});
    stream.say(...Array.from({ length: 300 }, (_, n) => result(uuid(n))));
    await stream.settle();
    expect(stream.read - before).toBe(1);
    expect(stream.written).toHaveLength(3);
    // And can be sent away all the same.
    bench.attachments.closeAll();
    expect(await stream.over).toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('is answered when it does', async () => {
    const stream = await attached();
    stream.say(result(uuid(1)), result(uuid(2)));
    await stream.settle();
    const kept = stream.written.flatMap((one) => (one.kept ? [one.kept.taskId] : []));
    expect(kept).toEqual([uuid(1), uuid(2)]);
    expect(bench.refused).toEqual(['dcn0 unknown-task', 'dcn0 unknown-task']);
  });

  test('is detached when too much lies there for it', async () => {
    const stream = await attached();
    stream.gate = new Promise(() => {});
    for (let n = 0; n < 1024; n++) bench.attachments.cancel('dcn0', uuid(n), 1);
    await stream.settle();
    expect(stream.isOver).toBe(false);
    for (let n = 0; n < 1024; n++) bench.attachments.cancel('dcn0', uuid(n), 1);
    expect(await stream.over).toMatchObject({ code: 'UNAVAILABLE' });
    expect(stream.written).toHaveLength(2 + 1024);
    expect(bench.attachments.isOnline('dcn0')).toBe(false);
  });

  test.each([
    ['result', result('x'.repeat(MIB))],
    ['progress', message({ progress: { taskId: 'x'.repeat(MIB), attempt: 1 } })],
  ])('whose %s names no task is detached', async (_what, one) => {
    const stream = await attached();
    const refusal = await stream.say(one).over;
    expect(refusal).toMatchObject({ code: 'INVALID' });
    expect(refusal?.message.length).toBeLessThan(400);
    expect(stream.written).toHaveLength(2);
  });

  test('has as much space as makes sense', async () => {
    const stream = await attached();
    const space = () => bench.attachments.get('dcn0')?.space;
    stream.say(message({ heartbeat: { freeBytes: 1, totalBytes: 2, stagedImageIds: [] } }));
    await stream.settle();
    expect(space()).toEqual({ freeBytes: 1, totalBytes: 2 });
    stream.say(message({ heartbeat: { freeBytes: 1, totalBytes: 2 ** 64, stagedImageIds: [] } }));
    await stream.settle();
    expect(space()).toBeUndefined();
  });

  test('leaves nothing of its messages behind', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const stream = await attached();
    const said: WeakRef<object>[] = [];
    for (let n = 0; n < 50; n++) {
      const heartbeat = message({ heartbeat: { stagedImageIds: [] } });
      said.push(new WeakRef(heartbeat));
      stream.say(heartbeat);
      await stream.settle();
    }
    await vi.waitFor(
      async () => {
        collect();
        await stream.settle();
        expect(said.filter((one) => one.deref() !== undefined).length).toBeLessThan(5);
      },
      { timeout: 10_000 },
    );
  });
});

describe('a result', () => {
  const TASK = uuid(5);
  const done = message({ result: { taskId: TASK, attempt: 1, deleted: {} } });
  const state = () => bench.scratch.catalogue.tasks.get(TASK).state;
  const kept = ({ written }: AgentStream) => written.filter((one) => one.kept);

  /** An agent that is to delete a copy. */
  async function atWork(): Promise<AgentStream> {
    const { catalogue } = bench.scratch;
    const stream = await attached();
    catalogue.transact(() => {
      catalogue.images.insert(uuid(3), DRAFT, 'r');
      bench.scratch.present(uuid(3), 'dcn0');
      const spec = { kind: 'delete-copy', storeId: 'dcn0' } as const;
      catalogue.jobs.insert({ id: uuid(4), imageId: uuid(3), spec, requestedBy: 'ada', requestId: 'r' });
      catalogue.jobs.setState(uuid(4), 'running');
      const task = { id: TASK, jobId: uuid(4), imageId: uuid(3), storeId: 'dcn0', kind: 'delete' } as const;
      catalogue.tasks.insert({ ...task, sourceStoreId: undefined });
      catalogue.tasks.set(TASK, 'assigned', { attempt: 1 });
      catalogue.copies.set(uuid(3), 'dcn0', 'deleting');
    });
    return stream;
  }

  test('is kept once it is on disk', async () => {
    const stream = await atWork();
    stream.say(done);
    await stream.settle();
    expect(state()).toBe('done');
    expect(kept(stream)).toMatchObject([{ kept: { taskId: TASK, attempt: 1 } }]);
  });

  test('that cannot be written down is not said to be kept, and is told anew by the next stream', async () => {
    const stream = await atWork();
    const { catalogue } = bench.scratch;
    const transact = catalogue.transact.bind(catalogue);
    let isFull = true;
    Object.assign(catalogue, {
      transact: (work: () => unknown) => {
        if (!isFull) return transact(work);
        isFull = false;
        throw new Error('database or disk is full');
      },
    });
    expect(await stream.say(done).over).toMatchObject({ code: 'INTERNAL' });
    expect(kept(stream)).toEqual([]);
    expect(state()).toBe('waiting');
    const running = [{ taskId: TASK, attempt: 1 }];
    const next = bench.stream().say(hello({ running }), inventory([]), done);
    await next.settle();
    expect(kept(next)).toHaveLength(1);
    expect(state()).toBe('done');
  });

  test('of a store that is revoked before it is written down is not heard', async () => {
    const stream = await atWork();
    stream.say(done);
    bench.scratch.catalogue.stores.revoke('dcn0');
    expect(await stream.over).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(kept(stream)).toEqual([]);
    expect(state()).toBe('waiting');
  });
});
