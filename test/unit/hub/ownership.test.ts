import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callDuplex, callServerStream } from '../../../src/rpc/calls.ts';
import type { ChannelCredentials } from '../../../src/rpc/channel.ts';
import type { Job__Output } from '../../../src/rpc/generated/entrepot/v1/Job.ts';
import { Images, Jobs } from '../../../src/rpc/proto.ts';
import { type FakeAgent, MIB, refusalOf, TestHub } from './test-hub.ts';

let hub: TestHub;
let central: FakeAgent;
let who: Record<'admin' | 'alice' | 'bob' | 'rita', ChannelCredentials>;
beforeAll(async () => {
  hub = await TestHub.start();
  central = await hub.site('central', 'central');
  await hub.site('dcn0');
  who = {
    admin: await hub.admin(),
    alice: await hub.addOperator('alice', 'member'),
    bob: await hub.addOperator('bob', 'member'),
    rita: await hub.addOperator('rita', 'reader'),
  };
});
afterAll(() => hub[Symbol.asyncDispose]());

const ALL = ['admin', 'alice', 'bob', 'rita'] as const;
type Who = (typeof ALL)[number];

/** By an admin, in somebody's name: nobody else makes an image public. */
const create = async (visibility: string, owner: Who = 'alice') =>
  (await hub.call(who.admin, Images.Create, { name: `${visibility} of ${owner}`, visibility, owner })).id;

/** `ok`, or the code, of the same question asked by everybody. */
async function answers(
  ask: (credentials: ChannelCredentials) => Promise<unknown>,
): Promise<Record<Who, string>> {
  const told = {} as Record<Who, string>;
  for (const name of ALL) {
    told[name] = await ask(who[name]).then(
      () => 'ok',
      (error: { code: string }) => error.code,
    );
  }
  return told;
}

async function upload(shown: ChannelCredentials, jobId: string): Promise<number> {
  const metadata = { 'entrepot-job-id': jobId };
  await using call = callDuplex(hub.channel(shown), Images.Upload, { metadata });
  call.end();
  let receivedBytes = -1;
  for await (const reply of call.messages) receivedBytes = reply.receivedBytes ?? receivedBytes;
  return receivedBytes;
}

async function firstOf<T>(messages: AsyncGenerator<T>): Promise<T | undefined> {
  try {
    return (await messages.next()).value ?? undefined;
  } finally {
    await messages.return(undefined);
  }
}

test('the owner of an image is whoever made it', async () => {
  const image = await hub.call(who.alice, Images.Create, { name: 'x' });
  expect(image).toMatchObject({ owner: 'alice', visibility: 'private' });
  const [made] = await hub.events({ imageId: image.id });
  expect(made).toMatchObject({ kind: 'image.created', actor: 'operator/alice', outcome: 'done' });
});

describe('the record of an image', () => {
  test.each([
    ['private', 'NOT_FOUND'],
    ['shared', 'NOT_FOUND'],
    ['community', 'ok'],
    ['public', 'ok'],
  ])('that is %s is %s to another member', async (visibility, bob) => {
    const imageId = await create(visibility);
    const seen = { admin: 'ok', alice: 'ok', bob, rita: 'ok' };
    expect(await answers((shown) => hub.call(shown, Images.Get, { imageId }))).toEqual(seen);
    expect(await answers((shown) => hub.call(shown, Images.ListLocations, { imageId }))).toEqual(seen);
    const listed = await answers(async (shown) => {
      const { images } = await hub.call(shown, Images.List, { limit: 1000 });
      if (!images.some(({ id }) => id === imageId)) throw Object.assign(new Error(), { code: 'NOT_FOUND' });
    });
    expect(listed).toEqual(seen);
  });

  test('leaves no gap in the pages of whoever does not see it', async () => {
    const own = [await create('private', 'bob'), await create('private', 'bob')];
    for (let n = 0; n < 3; n++) await create('private', 'alice');
    const { images } = await hub.call(who.bob, Images.List, { limit: 2 });
    expect(images.map(({ id }) => id).sort()).toEqual(own.sort());
  });

  test('is not to be told from one that never was', async () => {
    const hidden = await refusalOf(hub.call(who.bob, Images.Get, { imageId: await create('private') }));
    const imageId = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
    const never = await refusalOf(hub.call(who.bob, Images.Get, { imageId }));
    const plain = (message: string) => message.replaceAll(/[0-9a-f-]{36}/g, 'ID');
    expect([hidden.code, plain(hidden.message), hidden.hint]).toEqual([
      never.code,
      plain(never.message),
      never.hint,
    ]);
  });
});

describe('R11', () => {
  test('copy, delete and import are the owner’s and the admin’s', async () => {
    const asks: ((imageId: string) => (shown: ChannelCredentials) => Promise<unknown>)[] = [
      (imageId) => (shown) => hub.call(shown, Images.Copy, { imageId, storeIds: ['dcn0'] }),
      (imageId) => (shown) => hub.call(shown, Images.DeleteCopy, { imageId, storeId: 'dcn0' }),
      (imageId) => (shown) =>
        hub.call(shown, Images.BeginUpload, { imageId, sizeBytes: MIB, storeId: 'nowhere' }),
    ];
    for (const ask of asks) {
      const open = await answers(ask(await create('public')));
      expect(open).toMatchObject({ bob: 'FORBIDDEN', rita: 'FORBIDDEN' });
      // Past the rights, there is nothing to copy or to delete in an image without data.
      for (const name of ['admin', 'alice'] as const) expect(open[name]).not.toBe('FORBIDDEN');
      expect(await answers(ask(await create('private')))).toMatchObject({
        bob: 'NOT_FOUND',
        rita: 'FORBIDDEN',
      });
    }
    const refusal = await refusalOf(hub.call(who.bob, Images.Delete, { imageId: await create('public') }));
    expect(refusal).toMatchObject({ code: 'FORBIDDEN', rule: 'R11' });
    const imageId = await create('public');
    await hub.call(who.admin, Images.Delete, { imageId });
    await hub.call(who.alice, Images.Delete, { imageId: await create('private') });
  });

  test('the data of an image is its owner’s, and anybody’s when it is open', async () => {
    // No central store could be dialled here: past the rights it is UNAVAILABLE or CONFLICT.
    const download = (imageId: string) => (shown: ChannelCredentials) =>
      firstOf(callServerStream(hub.channel(shown), Images.Download, { imageId }));
    const closed = await answers(download(await create('private')));
    expect(closed).toEqual({ admin: 'CONFLICT', alice: 'CONFLICT', bob: 'NOT_FOUND', rita: 'FORBIDDEN' });
    const open = await answers(download(await create('community')));
    expect(open).toEqual({ admin: 'CONFLICT', alice: 'CONFLICT', bob: 'CONFLICT', rita: 'CONFLICT' });
  });
});

describe('the job of a private image', () => {
  let job: Job__Output;
  beforeAll(async () => {
    const imageId = await create('private');
    job = await hub.call(who.alice, Images.BeginUpload, { imageId, sizeBytes: MIB });
  });

  test('is seen by whoever sees the image', async () => {
    const seen = { admin: 'ok', alice: 'ok', bob: 'NOT_FOUND', rita: 'ok' };
    const { id: jobId, imageId } = job;
    expect(await answers((shown) => hub.call(shown, Jobs.Get, { jobId }))).toEqual(seen);
    const watch = (shown: ChannelCredentials) =>
      firstOf(callServerStream(hub.channel(shown), Jobs.Watch, { jobId }));
    expect(await answers(watch)).toEqual(seen);
    for (const filter of [{}, { imageId }]) {
      const counted = async (name: Who) =>
        (await hub.call(who[name], Jobs.List, { ...filter, all: true })).jobs.filter(({ id }) => id === jobId)
          .length;
      expect(await Promise.all(ALL.map(counted))).toEqual([1, 1, 0, 1]);
    }
  });

  test('takes the upload of its owner, and is cancelled by it', async () => {
    const { id: jobId } = job;
    expect(await refusalOf(upload(who.bob, jobId))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await refusalOf(upload(who.rita, jobId))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await refusalOf(hub.call(who.bob, Jobs.Cancel, { jobId }))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await refusalOf(hub.call(who.rita, Jobs.Cancel, { jobId }))).toMatchObject({ code: 'FORBIDDEN' });
    await hub.call(who.alice, Jobs.Cancel, { jobId });
  });

  test('of an open image is seen by all, and still only its owner’s to upload to and to cancel', async () => {
    const imageId = await create('public');
    const { id: jobId } = await hub.call(who.alice, Images.BeginUpload, { imageId, sizeBytes: MIB });
    await hub.call(who.bob, Jobs.Get, { jobId });
    expect(await refusalOf(upload(who.bob, jobId))).toMatchObject({ code: 'FORBIDDEN', rule: 'R11' });
    const cancel = hub.call(who.bob, Jobs.Cancel, { jobId });
    expect(await refusalOf(cancel)).toMatchObject({ code: 'FORBIDDEN', rule: 'R11' });
    await hub.call(who.admin, Jobs.Cancel, { jobId });
  });
});

test('an agent sees no images', async () => {
  const list = hub.call(central.credentials, Images.List, {});
  expect(await refusalOf(list)).toMatchObject({ code: 'FORBIDDEN' });
});
