import { randomUUID } from 'node:crypto';
import { truncate } from 'node:fs/promises';
import { Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Job } from '../../../src/cli/wire.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { bulkChannel } from '../../../src/rpc/channel.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import { CuttableProxy } from '../../cloud/cuttable-proxy.ts';
import { rawClient } from '../../cloud/raw-client.ts';
import { waitFor } from '../../cloud/wait.ts';
import { callUpload } from '../../unit/rpc/upload-call.ts';
import { Bench, expectJsonRefusal, expectTextRefusal, MIB, type Refused } from '../helpers-file.ts';

let bench: Bench;
let good: string;

beforeAll(async () => {
  // What only broke off is not kept either: nobody comes back with the rest.
  bench = await Bench.start({ storeIds: ['central', 'dcn0'], hub: { upload_keep_seconds: 0 } });
  good = await bench.sample('good', 12, 8);
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});

const create = (...more: string[]) => ['image', 'create', '--name', 'n', '--file', good, ...more];

describe('an upload that does not hold what it says is taken back', () => {
  /** The record and its disk are as before the import; only ended jobs may have come. */
  const emptied = async (imageId: string) => {
    await waitFor('the partial image to be gone', () =>
      bench.disk('central').every((name) => !name.includes(imageId)),
    );
    const { status, copies, sizeBytes } = await bench.image(imageId);
    expect({ status, copies, sizeBytes }).toEqual({ status: 'queued', copies: [], sizeBytes: undefined });
  };

  test.each([
    ['a store that nobody knows to enter at', ['--store', 'mars']],
    ['a store that nobody knows to fill', ['--stores', 'dcn0,mars']],
  ])('%s: the record made for it goes again', async (_name, options) => {
    const before = await bench.state({ endedJobs: false });
    const refused: Refused = {
      exit: 2,
      code: 'INVALID',
      says: 'no store is named mars',
      hint: 'the stores are central, dcn0',
      rule: 'R4',
    };
    const [text, json] = await Promise.all([
      bench.cloud.cli(...create(...options)),
      bench.cloud.cli('-o', 'json', ...create(...options)),
    ]);
    expectTextRefusal(text, refused);
    expectJsonRefusal(json, refused);
    expect(text.stderr).toMatch(/image [0-9a-f-]{36}, made for this upload, is deleted again/);
    await waitFor('the record to be gone', async () => {
      const now = await bench.state({ endedJobs: false });
      return JSON.stringify(now) === JSON.stringify(before);
    });
  });

  test('a file that shrinks while it is read', async () => {
    const before = await bench.state({ endedJobs: false });
    const file = await bench.sample('shrinking', 96, 96);
    // What stands still on its way is not read ahead of: the command has a few chunks at most.
    await using line = await CuttableProxy.start(Number(bench.cloud.hubAddress.split(':')[1]));
    line.holdAfter(8 * MIB);
    const args = ['-o', 'json', 'image', 'create', '--name', 'shrinking', '--file', file];
    const upload = bench.spawn(...args, '--hub', line.address);
    await line.held();
    await truncate(file, 50 * MIB);
    line.release();
    expectJsonRefusal(await upload.exited, {
      exit: 4,
      code: 'CONFLICT',
      says: `${file} changed while it was read: it had ${96 * MIB} bytes and ends at byte ${50 * MIB} now`,
      hint: 'stop whatever writes to the file',
    });
    await waitFor('everything to be as it was', async () => {
      const now = await bench.state({ endedJobs: false });
      return JSON.stringify(now) === JSON.stringify(before);
    });
  });

  const bytes = (length: number) => Buffer.alloc(length, 7);
  const frame = (offset: number, data: Buffer, last = false): Frame => ({ offset, data, last });
  const SIZE = 8 * MIB;
  const END = frame(SIZE, Buffer.alloc(0), true);

  async function begin(sizeBytes = SIZE): Promise<{ imageId: string; job: Job }> {
    const { id } = await bench.calls.createImage({ name: 'wire' });
    const target = { imageId: id, storeId: '', storeIds: [], allStores: false, allStoresMustSucceed: false };
    return { imageId: id, job: await bench.calls.imports.beginUpload({ ...target, sizeBytes }) };
  }

  async function send(
    metadata: Record<string, string>,
    frames: readonly Frame[],
  ): Promise<Refusal | undefined> {
    await using channel = bulkChannel(await bench.hub());
    await using call = callUpload(channel, { metadata });
    try {
      for (const one of frames) await call.write(one);
      await call.finish();
      return undefined;
    } catch (error) {
      return Refusal.from(error);
    }
  }

  test.each<readonly [string, readonly Frame[], string]>([
    ['no frame at all', [], 'the upload broke off after 0 bytes of data'],
    ['no end', [frame(0, bytes(MIB), true)], 'the upload broke off after 1048576 bytes of data'],
    [
      'an end before the size',
      [frame(0, bytes(MIB), true), frame(4 * MIB, Buffer.alloc(0), true)],
      'the upload ended after 4194304 of 8388608 bytes',
    ],
    [
      'more than the size',
      [frame(SIZE, bytes(MIB)), END],
      'the upload is longer than the 8388608 bytes it was said to have',
    ],
    [
      'bytes across the end',
      [frame(SIZE - 512, bytes(MIB), true), END],
      'the upload is longer than the 8388608 bytes it was said to have',
    ],
    [
      'frames in falling order',
      [frame(4 * MIB, bytes(MIB), true), frame(0, bytes(MIB), true), END],
      'a frame at 0 came after 8388608 bytes were complete',
    ],
    [
      'the same frame twice',
      [frame(0, bytes(MIB)), frame(0, bytes(MIB), true), END],
      'comes after what follows it',
    ],
    ['a frame across two chunks', [frame(4 * MIB - 512, bytes(1024), true), END], 'goes beyond its end'],
    [
      'something after the end',
      [frame(0, bytes(MIB), true), END, END],
      'a frame came after the one that ended the image',
    ],
  ])('%s', async (_name, frames, sentence) => {
    const { imageId, job } = await begin();
    await send({ 'entrepot-job-id': job.id }, frames);
    const ended = await bench.ended(job.id);
    expect(ended.state).toBe('failed');
    expect(ended.reason).toContain(sentence);
    await emptied(imageId);
    // The record is still good for an upload that is right.
    const again = await bench.calls.imports.beginUpload({
      imageId,
      storeId: '',
      sizeBytes: SIZE,
      storeIds: [],
      allStores: false,
      allStoresMustSucceed: false,
    });
    expect(await send({ 'entrepot-job-id': again.id }, [frame(0, bytes(MIB), true), END])).toBeUndefined();
    expect((await bench.ended(again.id)).state).toBe('succeeded');
  });

  test('garbage instead of frames', async () => {
    const { imageId, job } = await begin();
    const client = rawClient(bench.cloud.hubAddress, await bench.cloud.operator());
    try {
      const metadata = new Metadata();
      metadata.set('entrepot-job-id', job.id);
      const raw = (data: Buffer) => data;
      const failure = await new Promise<Error | null>((resolve) => {
        const call = client.makeClientStreamRequest(
          '/entrepot.v1.Images/Upload',
          raw,
          raw,
          metadata,
          resolve,
        );
        call.on('error', () => undefined);
        call.write(Buffer.from('ff'.repeat(64), 'hex'));
        call.end();
      });
      expect(failure?.message).toContain('deserializing');
    } finally {
      client.close();
    }
    expect((await bench.ended(job.id)).state).toBe('failed');
    await emptied(imageId);
  });

  test('the wrong job, no job, and a second upload beside the first', async () => {
    const { imageId, job } = await begin();
    const failures = await Promise.all([
      send({}, [END]),
      send({ 'entrepot-job-id': 'x' }, [END]),
      send({ 'entrepot-job-id': randomUUID() }, [END]),
    ]);
    expect(failures.map((one) => one?.code)).toEqual(['INVALID', 'INVALID', 'NOT_FOUND']);
    expect(failures[0]?.message).toBe('metadata entrepot-job-id is missing');
    // On one connection, so that the hub hears of the first before the second; and the first stays open meanwhile.
    await using channel = bulkChannel(await bench.hub());
    const metadata = { 'entrepot-job-id': job.id };
    await using first = callUpload(channel, { metadata });
    await first.write(frame(0, bytes(MIB), true));
    await using second = callUpload(channel, { metadata });
    const sent = await second.finish().catch((error: unknown) => Refusal.from(error));
    expect(sent).toMatchObject({ code: 'CONFLICT', message: `job ${job.id} is already being uploaded to` });
    await first.write(END);
    await first.finish();
    expect((await bench.ended(job.id)).state).toBe('succeeded');
    expect(await bench.holders(imageId)).toEqual(['central']);
  });

  test.each([0, -1, 2 ** 52])('a size of %d bytes', async (sizeBytes) => {
    const { id } = await bench.calls.createImage({ name: 'wire' });
    const before = await bench.state();
    const target = { imageId: id, storeId: '', storeIds: [], allStores: false, allStoresMustSucceed: false };
    const refused = await bench.calls.imports
      .beginUpload({ ...target, sizeBytes })
      .catch((error: unknown) => Refusal.from(error));
    expect(refused).toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('cannot be taken in'),
    });
    expect(await bench.state()).toEqual(before);
  });
});
