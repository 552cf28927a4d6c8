import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DRAFT, Scratch, uuid } from './scratch.ts';

const spec = { kind: 'copy', storeIds: ['dcn0'], allMustSucceed: false } as const;
const who = { requestedBy: 'ada', requestId: 'r' };

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
  scratch.withStores();
  scratch.catalogue.images.insert(uuid(1), DRAFT, 'r');
  scratch.catalogue.jobs.insert({ id: 'j', imageId: uuid(1), spec, ...who });
});
afterEach(() => scratch[Symbol.dispose]());

/** What came of `change`, as `kind detail`. */
function events(change: () => void): string[] {
  const before = scratch.catalogue.events.list({ limit: 1000 }).length;
  scratch.catalogue.transact(change);
  return scratch.catalogue.events
    .list({ limit: 1000 })
    .slice(before)
    .map(({ kind, storeId, jobId, imageId, detail }) => {
      expect([storeId, jobId, imageId]).toEqual(
        jobId ? [undefined, 'j', uuid(1)] : ['dcn0', undefined, undefined],
      );
      return `${kind} ${JSON.stringify(detail)}`;
    });
}

describe('a store', () => {
  const dcn0 = () => scratch.catalogue.stores.all().find(({ id }) => id === 'dcn0');
  const { setRate, pause, resume } = {
    setRate: (rate?: string) => events(() => void scratch.catalogue.stores.setRate('dcn0', rate)),
    pause: () => events(() => void scratch.catalogue.stores.pause('dcn0')),
    resume: () => events(() => void scratch.catalogue.stores.resume('dcn0')),
  };

  test('has the rate it was given, over restarts, and an event for each change', () => {
    expect(dcn0()).toMatchObject({ rate: undefined, pausedAtMs: undefined });
    expect(setRate('20M')).toEqual(['store.rate-set {"rate":"20M"}']);
    expect(dcn0()?.rate).toBe('20M');
    expect(setRate('20M')).toEqual([]);
    scratch.reopen();
    expect(dcn0()?.rate).toBe('20M');
    expect(setRate()).toEqual(['store.rate-set {"rate":"off"}']);
    expect(dcn0()?.rate).toBeUndefined();
  });

  test('is paused once, from then on', () => {
    expect(pause()).toEqual(['store.paused {}']);
    scratch.nowMs = 2000;
    expect(pause()).toEqual([]);
    scratch.reopen();
    expect(dcn0()?.pausedAtMs).toBe(1000);
    expect(resume()).toEqual(['store.resumed {}']);
    expect(resume()).toEqual([]);
    expect(dcn0()?.pausedAtMs).toBeUndefined();
  });

  test('that is not there has none', () => {
    const { stores } = scratch.catalogue;
    for (const change of [
      () => stores.setRate('dcn9', '1M'),
      () => stores.pause('dcn9'),
      () => stores.resume('dcn9'),
    ]) {
      expect(change).toThrow('no store is named dcn9');
    }
  });
});

describe('a job', () => {
  const job = () => scratch.catalogue.jobs.get('j');

  test('has the rate it was given, and an event for each change', () => {
    const { jobs } = scratch.catalogue;
    expect(events(() => jobs.setRate('j', '5M'))).toEqual(['job.rate-set {"rate":"5M"}']);
    expect(events(() => jobs.setRate('j', '5M'))).toEqual([]);
    expect(job().rate).toBe('5M');
    expect(events(() => jobs.setRate('j', undefined))).toEqual(['job.rate-set {"rate":"off"}']);
    expect(job().rate).toBeUndefined();
  });

  test('is paused once, from then on, over restarts', () => {
    expect(events(() => scratch.catalogue.jobs.pause('j'))).toEqual(['job.paused {}']);
    scratch.nowMs = 2000;
    expect(events(() => scratch.catalogue.jobs.pause('j'))).toEqual([]);
    scratch.reopen();
    expect(job().pausedAtMs).toBe(1000);
    expect(events(() => scratch.catalogue.jobs.resume('j'))).toEqual(['job.resumed {}']);
    expect(events(() => scratch.catalogue.jobs.resume('j'))).toEqual([]);
    expect(job().pausedAtMs).toBeUndefined();
  });

  test('comes in a lane, and only ever goes up', () => {
    expect(job().lane).toBe('normal');
    const { jobs } = scratch.catalogue;
    expect(events(() => void jobs.raise(uuid(1), 'background'))).toEqual([]);
    expect(events(() => void jobs.raise(uuid(1), 'demand'))).toEqual([
      'job.lane-raised {"lane":"demand","before":"normal"}',
    ]);
    expect(events(() => void jobs.raise(uuid(1), 'demand'))).toEqual([]);
    expect(jobs.insert({ id: 'k', imageId: uuid(1), spec, ...who, lane: 'background' }).lane).toBe(
      'background',
    );
    // As far as the job that is waited for, and no ended one.
    jobs.insert({ id: 'l', imageId: uuid(1), spec, ...who, lane: 'background' });
    jobs.insert({ id: 'm', imageId: uuid(1), spec, ...who, lane: 'background' });
    jobs.setState('k', 'cancelled');
    expect(jobs.raise(uuid(1), 'normal', jobs.get('l'))).toBe(true);
    expect(['j', 'k', 'l', 'm'].map((id) => jobs.get(id).lane)).toEqual([
      'demand',
      'background',
      'normal',
      'background',
    ]);
  });
});
