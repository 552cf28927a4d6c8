import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DRAFT, Scratch, uuid } from './scratch.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
  scratch.withStores();
});
afterEach(() => scratch[Symbol.dispose]());

const insert = (n: number) => scratch.catalogue.images.insert(uuid(n), DRAFT, 'r').id;
const isThere = (n: number) => scratch.catalogue.images.find(uuid(n)) !== undefined;
const fail = (): never => {
  throw new Error('no');
};

describe('what is to be told after the commit', () => {
  test('is told at once outside of a transaction', () => {
    const told: string[] = [];
    scratch.catalogue.afterCommit(() => void told.push('at once'));
    expect(told).toEqual(['at once']);
  });

  test('waits for the outermost transaction, in order', () => {
    const { catalogue } = scratch;
    const told: string[] = [];
    catalogue.transact(() => {
      catalogue.afterCommit(() => void told.push('outer'));
      catalogue.transact(() => catalogue.afterCommit(() => void told.push('inner')));
      expect(told).toEqual([]);
    });
    expect(told).toEqual(['outer', 'inner']);
    catalogue.transact(() => insert(1));
    expect(told).toHaveLength(2);
  });

  test('is not told of what was taken back', () => {
    const { catalogue } = scratch;
    const told: string[] = [];
    catalogue.transact(() => {
      catalogue.afterCommit(() => void told.push('kept'));
      const part = () => {
        catalogue.afterCommit(() => void told.push('taken back'));
        fail();
      };
      expect(() => catalogue.transact(part)).toThrow('no');
    });
    expect(told).toEqual(['kept']);
  });

  test('may write in its turn', () => {
    const { catalogue } = scratch;
    catalogue.transact(() => {
      insert(1);
      catalogue.afterCommit(() => catalogue.transact(() => insert(2)));
    });
    expect(isThere(2)).toBe(true);
  });

  test('is told in the context of whoever has it told', () => {
    const { catalogue } = scratch;
    const caller = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    catalogue.transact(() => {
      caller.run('alice', () => catalogue.afterCommit(() => void seen.push(caller.getStore())));
    });
    expect(seen).toEqual(['alice']);
  });
});

describe('work handed over at the same time', () => {
  test('is written down in one transaction, in order', async () => {
    const { catalogue } = scratch;
    const committed: number[] = [];
    let done = 0;
    const one = (n: number) => () => {
      catalogue.afterCommit(() => void committed.push(done));
      done++;
      return insert(n);
    };
    const ids = await Promise.all([1, 2, 3].map((n) => catalogue.transactSoon(one(n))));
    expect(ids).toEqual([uuid(1), uuid(2), uuid(3)]);
    // None of them was committed before all were done.
    expect(committed).toEqual([3, 3, 3]);
  });

  test('is on disk when it settles, and not before', async () => {
    const { catalogue } = scratch;
    const order: string[] = [];
    const first = catalogue.transactSoon(() => {
      catalogue.afterCommit(() => void order.push('committed'));
      insert(1);
    });
    await Promise.all([first.then(() => order.push('first')), catalogue.transactSoon(() => insert(2))]);
    expect(order).toEqual(['committed', 'first']);
    scratch.reopen();
    expect(isThere(1) && isThere(2)).toBe(true);
  });

  test('takes back itself alone when it throws', async () => {
    const { catalogue } = scratch;
    const broken = catalogue.transactSoon(() => {
      insert(2);
      fail();
    });
    const outcomes = await Promise.allSettled([
      catalogue.transactSoon(() => insert(1)),
      broken,
      catalogue.transactSoon(() => insert(3)),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect([1, 2, 3].map(isThere)).toEqual([true, false, true]);
  });

  test('fails together when the disk does, and what comes later is tried anew', async () => {
    const { catalogue } = scratch;
    Object.assign(catalogue, { transact: fail });
    const outcomes = await Promise.allSettled([1, 2].map((n) => catalogue.transactSoon(() => insert(n))));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    Reflect.deleteProperty(catalogue, 'transact');
    await catalogue.transactSoon(() => insert(3));
    expect([1, 2, 3].map(isThere)).toEqual([false, false, true]);
  });

  test('is written by whoever handed it over', async () => {
    const { catalogue } = scratch;
    const caller = new AsyncLocalStorage<string>();
    const asked = ['alice', 'bob'].map((name) =>
      caller.run(name, () => catalogue.transactSoon(() => caller.getStore())),
    );
    expect(await Promise.all(asked)).toEqual(['alice', 'bob']);
  });

  test('has its turn in the next group when it was handed over by one', async () => {
    const { catalogue } = scratch;
    const turns: string[] = [];
    const later = Promise.withResolvers<number>();
    const first = catalogue.transactSoon(() => {
      turns.push('first');
      catalogue.transactSoon(() => turns.push('of the first')).then(later.resolve, later.reject);
    });
    await catalogue.transactSoon(() => turns.push('second'));
    await first;
    expect(turns).toEqual(['first', 'second']);
    await later.promise;
    expect(turns).toEqual(['first', 'second', 'of the first']);
  });

  test('lets others have the event loop after a while', async () => {
    const { catalogue } = scratch;
    const slow = () => {
      const endMs = performance.now() + 30;
      while (performance.now() < endMs);
    };
    let turns = 0;
    const count = () => {
      turns++;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    await Promise.all([1, 2, 3].map(() => catalogue.transactSoon(slow)));
    clearImmediate(counting);
    expect(turns).toBeGreaterThanOrEqual(2);
  });

  test('is refused when the catalogue is closed before', async () => {
    const { catalogue } = scratch;
    const late = catalogue.transactSoon(() => insert(1));
    scratch.reopen();
    await expect(late).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(isThere(1)).toBe(false);
  });
});
