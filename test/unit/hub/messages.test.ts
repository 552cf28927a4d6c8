import { describe, expect, test } from 'vitest';
import {
  childrenOf,
  outcomeOfResult,
  progressOf,
  reasonOf,
  secondsOf,
  spaceOf,
} from '../../../src/hub/messages.ts';
import type { TaskResult__Output } from '../../../src/rpc/generated/entrepot/v1/TaskResult.ts';
import { uuid } from '../catalogue/scratch.ts';

const result = (outcome: object) =>
  ({ taskId: uuid(1), attempt: 1, ...outcome }) as unknown as TaskResult__Output;

const HUGE = 2 ** 64;
const LONG = 'x'.repeat(1_000_000);

const INGESTED = {
  diskFormat: 'raw',
  containerFormat: 'bare',
  properties: { vmware_adaptertype: 'ide' },
  virtualSizeBytes: 0,
  sizeBytes: 10,
  dataBytes: 10,
  root: 'a'.repeat(64),
  checksum: 'a'.repeat(32),
  osHashAlgo: 'sha512',
  osHashValue: 'a'.repeat(128),
};

describe('what an agent reports', () => {
  test.each([
    ['nothing', {}],
    ['a root that is none', { copied: { verifiedRoot: LONG } }],
    ['a size beyond counting', { ingested: { ...INGESTED, sizeBytes: HUGE } }],
    ['more data than there is image', { ingested: { ...INGESTED, dataBytes: 11 } }],
    ['a digest that is none', { ingested: { ...INGESTED, osHashValue: LONG } }],
    ['a disk beyond counting', { ingested: { ...INGESTED, virtualSizeBytes: HUGE } }],
    ['a format that is none', { ingested: { ...INGESTED, diskFormat: 'floppy' } }],
    ['a property beyond reading', { ingested: { ...INGESTED, properties: { os: LONG } } }],
    ['staged without a size', { staged: { sizeBytes: 0 } }],
  ])('is not taken when it is %s, nor repeated', (_what, outcome) => {
    expect(() => outcomeOfResult(result(outcome))).toThrow(/^.{1,100}$/);
  });

  test('of an image taken in is', () => {
    expect(outcomeOfResult(result({ ingested: INGESTED }))).toMatchObject({
      kind: 'ingested',
      format: { diskFormat: 'raw', properties: { vmware_adaptertype: 'ide' } },
      data: { sizeBytes: 10, virtualSizeBytes: 10 },
    });
    const kept = outcomeOfResult(result({ ingested: { ...INGESTED, virtualSizeBytes: 4096 } }));
    expect(kept).toMatchObject({ data: { sizeBytes: 10, virtualSizeBytes: 4096 } });
  });

  test('of bytes beyond counting is none', () => {
    const traffic = {
      receivedBytes: HUGE,
      wireBytes: HUGE,
      holeBytes: 1,
      resumedBytes: 2,
      verifiedBytes: HUGE,
    };
    expect(outcomeOfResult(result({ deleted: {}, traffic })).traffic).toEqual({
      receivedBytes: 0,
      wireBytes: 0,
      holeBytes: 1,
      resumedBytes: 2,
      verifiedBytes: 0,
    });
  });

  test('of how long it took is a time, or nothing', () => {
    const said = [1.23456, 0, -1, Number.NaN, Number.POSITIVE_INFINITY];
    expect(said.map(secondsOf)).toEqual([1.235, 0, 0, 0, 0]);
  });

  test('of why it failed is kept short, with a code there is', () => {
    expect(reasonOf({ code: LONG, message: LONG, hint: LONG })).toEqual({
      code: 'INTERNAL',
      message: 'x'.repeat(2000),
    });
  });

  test('of clones is kept short', () => {
    expect(childrenOf(['vms/disk', LONG])).toEqual(['vms/disk', 'x'.repeat(255)]);
  });

  test('of progress makes sense or is not shown', () => {
    const progress = {
      phase: 'transferring',
      doneBytes: 1,
      totalBytes: 2,
      resumedBytes: 0,
      holeBytes: 0,
      receivedBytes: 3,
      wireBytes: 4,
      compression: 'on',
    } as unknown as Parameters<typeof progressOf>[0];
    expect(progressOf(progress)).toEqual(progress);
    // Of a later version, or not said yet.
    for (const compression of ['squeezed', '', undefined]) {
      expect(progressOf(Object.assign({}, progress, { compression }))).toMatchObject({
        doneBytes: 1,
        compression: undefined,
      });
    }
    for (const wrong of [{ phase: LONG }, { doneBytes: HUGE }, { totalBytes: HUGE }, { wireBytes: HUGE }]) {
      expect(progressOf(Object.assign({}, progress, wrong))).toBeUndefined();
    }
  });

  test('of space is both numbers or nothing', () => {
    expect(spaceOf({ freeBytes: 0, totalBytes: 2 })).toEqual({ freeBytes: 0, totalBytes: 2 });
    expect(spaceOf({ freeBytes: 1 })).toBeUndefined();
    expect(spaceOf({ freeBytes: HUGE, totalBytes: HUGE })).toBeUndefined();
  });
});
