import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Attachments } from '../../../src/hub/attachments.ts';
import { type DownloadRequest, Downloads } from '../../../src/hub/downloads.ts';
import { Pacing } from '../../../src/hub/pacing.ts';
import { Tickets } from '../../../src/hub/tickets.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import { ManifestBuilder } from '../../../src/transfer/manifest.ts';
import { HUB } from '../../../src/trust/identity.ts';
import { freePorts } from '../../cloud/ports.ts';
import { TestAuthority } from '../../trust/test-authority.ts';
import { Scratch } from '../catalogue/scratch.ts';
import { attach, IMAGE, putImage } from './central-image.ts';
import { FakeCentral } from './fake-central.ts';
import { refusalOf } from './test-hub.ts';

/** Chunks 0, 1, 2 and 5 are data, the last one short. */
const SIZE = 5 * CHUNK_BYTES + 100;
const builder = new ManifestBuilder(SIZE);
for (const chunk of [0, 1, 2, 5]) builder.add(chunk, createHash('sha256').update(`${chunk}`).digest());

const authority = await TestAuthority.create();
const credentials = await authority.credentials(HUB);

let scratch: Scratch;
let attachments: Attachments;
let downloads: Downloads;
let central: FakeCentral;
beforeEach(async () => {
  scratch = new Scratch();
  scratch.nowMs = Date.now();
  putImage(scratch, builder.build());
  const { catalogue } = scratch;
  const tickets = new Tickets({ catalogue, credentials: () => credentials, now: () => scratch.nowMs });
  attachments = new Attachments(tickets, new Pacing(catalogue));
  downloads = new Downloads({ catalogue, attachments, tickets, credentials: () => credentials });
  central = new FakeCentral(await authority.credentials({ kind: 'store', storeId: 'central' }));
  central.release();
  attach(attachments, 'central', await central.start());
});
afterEach(async () => {
  await central[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

async function send(request: Partial<DownloadRequest>): Promise<Frame[]> {
  const frames: Frame[] = [];
  const write = async (frame: Frame) => void frames.push(frame);
  await downloads.send(
    { imageId: IMAGE, operator: 'alice', ...request },
    write,
    new AbortController().signal,
  );
  return frames;
}

test('a download that goes on asks for no chunk before that', async () => {
  await send({});
  await send({ fromByte: 2 * CHUNK_BYTES });
  expect(central.pulls.map(({ runs }) => runs)).toEqual([
    [
      { firstChunk: 0, chunkCount: 3 },
      { firstChunk: 5, chunkCount: 1 },
    ],
    [
      { firstChunk: 2, chunkCount: 1 },
      { firstChunk: 5, chunkCount: 1 },
    ],
  ]);
});

test('where nothing is missing only the end is sent', async () => {
  expect(await send({ fromByte: SIZE })).toEqual([{ offset: SIZE, data: new Uint8Array(), last: true }]);
  expect(central.pulls).toEqual([]);
});

test.each([1, CHUNK_BYTES - 1, SIZE - 1, SIZE + 1, 6 * CHUNK_BYTES])(
  'no download begins at byte %i',
  async (fromByte) => {
    expect(await refusalOf(send({ fromByte }))).toMatchObject({
      code: 'INVALID',
      message: `no download of ${SIZE} bytes begins at byte ${fromByte}`,
    });
    expect(central.pulls).toEqual([]);
  },
);

test('a store that is named is read, and no other', async () => {
  await using edge = new FakeCentral(await authority.credentials({ kind: 'store', storeId: 'dcn0' }), 'dcn0');
  edge.release();
  attach(attachments, 'dcn0', await edge.start());
  scratch.catalogue.transact(() => scratch.present(IMAGE, 'dcn0'));
  const frames = await send({ storeId: 'dcn0' });
  expect(frames.at(-1)).toMatchObject({ offset: SIZE, last: true });
  expect([central.pulls.length, edge.pulls.length]).toEqual([0, 1]);
});

test('a store that is named, but cannot be read, is refused with what to do', async () => {
  expect(await refusalOf(send({ storeId: 'dcn7' }))).toMatchObject({
    code: 'NOT_FOUND',
    message: 'no store is named dcn7',
    hint: expect.stringContaining('entrepot store list'),
  });
  expect(await refusalOf(send({ storeId: 'dcn0' }))).toMatchObject({
    code: 'CONFLICT',
    message: `dcn0 holds no copy of image ${IMAGE} to download from`,
    hint: expect.stringContaining(`entrepot image locations ${IMAGE}`),
  });
  scratch.catalogue.transact(() => scratch.present(IMAGE, 'dcn0'));
  expect(await refusalOf(send({ storeId: 'dcn0' }))).toMatchObject({
    code: 'UNAVAILABLE',
    message: 'store dcn0 is away',
  });
  const [port] = await freePorts(1);
  attach(attachments, 'dcn0', `127.0.0.1:${port}`);
  expect(await refusalOf(send({ storeId: 'dcn0' }))).toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringMatching(/^cannot reach .*dcn0/),
    hint: expect.stringContaining('without --store'),
  });
  expect(central.pulls).toEqual([]);
});
