import { afterAll, beforeAll, expect, test } from 'vitest';
import { Images, Jobs } from '../../../src/rpc/proto.ts';
import type { Credentials } from '../../../src/trust/credentials.ts';
import { type FakeAgent, refusalOf, TestHub } from './test-hub.ts';

const SECRET_URI = 'https://user:hunter2@images.example.org/a.qcow2?signature=s3cr3t';

let hub: TestHub;
let central: FakeAgent;
let admin: Credentials;
let member: Credentials;

beforeAll(async () => {
  hub = await TestHub.start();
  central = await hub.site('central', 'central');
  admin = await hub.admin();
  member = await hub.addOperator('mia', 'member');
});
afterAll(() => hub[Symbol.asyncDispose]());

const record = async () => (await hub.call(admin, Images.Create, { name: 'i' })).id;
const web = (uri: string) => ({ webDownload: { uri } });

test('an image that has data, or is getting it, takes no other file', async () => {
  const { id } = await hub.image(admin, central);
  for (const ask of [
    hub.call(admin, Images.Import, { imageId: id, ...web('https://x.example/y') }),
    hub.call(admin, Images.Stage, { imageId: id, sizeBytes: 1 }),
  ]) {
    expect(await refusalOf(ask)).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('is active'),
    });
  }
  const imageId = await record();
  await hub.call(admin, Images.Import, { imageId, ...web('https://x.example/y') });
  const second = hub.call(admin, Images.Stage, { imageId, sizeBytes: 1 });
  expect(await refusalOf(second)).toMatchObject({ code: 'CONFLICT' });
});

test('nothing is imported of what was not staged', async () => {
  const imageId = await record();
  expect(await refusalOf(hub.call(admin, Images.Import, { imageId, glanceDirect: {} }))).toMatchObject({
    code: 'CONFLICT',
    message: `image ${imageId} has no file that is staged`,
    hint: expect.stringContaining(`entrepot image stage ${imageId}`),
  });
});

test.each([
  ['of no known algorithm', { sha1: 'a'.repeat(40) }, "digest 'sha1' is not known"],
  ['that is too short', { md5: 'abc' }, 'the md5 that was given is not one'],
  ['that is no number', { sha256: 'z'.repeat(64) }, 'the sha256 that was given is not one'],
])('a digest %s is refused', async (_name, expectedDigests, message) => {
  const request = { imageId: await record(), ...web('https://x.example/y'), expectedDigests };
  expect(await refusalOf(hub.call(admin, Images.Import, request))).toMatchObject({
    code: 'INVALID',
    message,
  });
});

test('only an admin adopts what lies in a pool', async () => {
  const { id: imageId } = await hub.call(member, Images.Create, { name: 'm' });
  const adopt = { storeId: '', pool: 'images', image: 'x', move: false };
  expect(await refusalOf(hub.call(member, Images.Import, { imageId, adopt }))).toMatchObject({
    code: 'FORBIDDEN',
    rule: 'R11',
  });
});

test('what is secret in a URI is told to the agent that fetches, and to nobody else', async () => {
  const imageId = await record();
  const { id: jobId } = await hub.call(admin, Images.Import, { imageId, ...web(SECRET_URI) });
  const { ingest } = await central.assigned(imageId);
  expect(ingest?.web?.uri).toBe(SECRET_URI);
  const shown = JSON.stringify([
    await hub.call(admin, Jobs.Get, { jobId }),
    await hub.call(admin, Images.Get, { imageId }),
    await hub.events(),
    hub.lines,
  ]);
  expect(shown).toContain('images.example.org/a.qcow2');
  expect(shown).not.toContain('hunter2');
  expect(shown).not.toContain('s3cr3t');
});
