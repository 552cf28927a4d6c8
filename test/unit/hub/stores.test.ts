import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ChannelCredentials } from '../../../src/rpc/channel.ts';
import { Images, Jobs, Operators, Stores } from '../../../src/rpc/proto.ts';
import { type FakeAgent, refusalOf, TestHub } from './test-hub.ts';

let hub: TestHub;
let admin: ChannelCredentials;
let central: FakeAgent;
beforeEach(async () => {
  hub = await TestHub.start();
  admin = await hub.admin();
  central = await hub.site('central', 'central');
});
afterEach(() => hub[Symbol.asyncDispose]());

const remove = (id: string, orphanCopies = false) => hub.call(admin, Stores.Remove, { id, orphanCopies });
const ids = async () => (await hub.call(admin, Stores.List, {})).stores.map(({ id }) => id);

/** A site with a copy of an image. */
async function filled(storeId: string): Promise<{ agent: FakeAgent; imageId: string }> {
  const agent = await hub.site(storeId);
  const { id: imageId, root } = await hub.image(admin, central);
  await hub.call(admin, Images.Copy, { imageId, storeIds: [storeId] });
  const { taskId, attempt } = await agent.assigned(imageId);
  await agent.say({ result: { taskId, attempt, copied: { verifiedRoot: root } } });
  await agent.next(({ kept }) => kept);
  return { agent, imageId };
}

describe('adding', () => {
  test('a second central store, or another role for one there is, is refused', async () => {
    expect(await refusalOf(hub.addStore('dcn0', 'central'))).toMatchObject({ code: 'CONFLICT' });
    expect(await refusalOf(hub.addStore('central', 'edge'))).toMatchObject({ code: 'CONFLICT' });
    expect(await refusalOf(hub.addStore('dcn0', 'middle'))).toMatchObject({ code: 'INVALID' });
    expect(await refusalOf(hub.addStore('Central Site'))).toMatchObject({ code: 'INVALID' });
    expect(await ids()).toEqual(['central']);
  });

  test('one that is there gives its agent another token, whatever role it has', async () => {
    expect(await hub.addStore('central')).toMatch(/^entrepot-join-/);
    expect(await ids()).toEqual(['central']);
  });
});

test('one that is revoked is not online, although its stream is only just being ended', async () => {
  const dcn0 = await hub.site('dcn0');
  expect(await hub.call(admin, Stores.Revoke, { id: 'dcn0' })).toMatchObject({
    revoked: true,
    online: false,
    agentVersion: '',
  });
  expect(await dcn0.ended).toMatchObject({ code: 'UNAUTHENTICATED' });
});

describe('removing', () => {
  test('an empty store forgets it and cuts its agent off', async () => {
    const dcn0 = await hub.site('dcn0');
    expect(await remove('dcn0')).toEqual({ orphanedCopies: 0 });
    expect(await ids()).toEqual(['central']);
    expect(await dcn0.ended).toMatchObject({ code: 'UNAUTHENTICATED', message: 'store dcn0 was removed' });
    expect(await central.next((message) => message.storeRevoked)).toEqual({ storeId: 'dcn0' });
    expect(await refusalOf(hub.call(dcn0.credentials, Operators.WhoAmI, {}))).toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    // Added anew, the certificate from before is no good.
    const again = await hub.join(await hub.addStore('dcn0'));
    expect(await refusalOf(hub.call(dcn0.credentials, Operators.WhoAmI, {}))).toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    await hub.attach(again, 'dcn0');
  });

  test('one with copies says what it would orphan, and does when told to', async () => {
    const { imageId } = await filled('dcn0');
    const refusal = await refusalOf(remove('dcn0'));
    expect(refusal).toMatchObject({ code: 'IN_USE' });
    expect(refusal.message).toContain('1 copy');
    expect(refusal.hint).toContain('--orphan-copies');
    expect(await ids()).toEqual(['central', 'dcn0']);
    expect(await remove('dcn0', true)).toEqual({ orphanedCopies: 1 });
    const { copies } = await hub.call(admin, Images.Get, { imageId });
    expect(copies.map(({ storeId }) => storeId)).toEqual(['central']);
    expect((await hub.events({ storeId: 'dcn0' })).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['copy.orphaned', 'store.removed']),
    );
  });

  test('one a job is about to use waits for the job', async () => {
    await hub.site('dcn0');
    const { id: imageId } = await hub.image(admin, central);
    const { job } = await hub.call(admin, Images.Copy, { imageId, storeIds: ['dcn0'] });
    const refusal = await refusalOf(remove('dcn0', true));
    expect(refusal).toMatchObject({ code: 'IN_USE' });
    expect(refusal.message).toContain(job?.id ?? '?');
  });

  test('one that is gone for good ends the deletes that wait for it', async () => {
    const { agent, imageId } = await filled('dcn0');
    agent.end();
    await agent.ended;
    const deletion = hub.call(admin, Images.Delete, { imageId });
    const { questionId } = await central.next(({ question }) => question);
    await central.say({ answer: { questionId, children: [] } });
    const { id: jobId } = await deletion;
    const again = await central.next(({ question }) => question);
    await central.say({ answer: { questionId: again.questionId, children: [] } });
    const { taskId, attempt } = await central.assigned(imageId);
    await central.say({ result: { taskId, attempt, deleted: {} } });
    await central.next(({ kept }) => kept);
    expect((await hub.call(admin, Jobs.Get, { jobId })).state).toBe('running');
    expect((await refusalOf(remove('dcn0'))).message).toContain('still deleting there');
    await remove('dcn0', true);
    expect((await hub.call(admin, Jobs.Get, { jobId })).state).not.toBe('running');
  });

  test('central goes last', async () => {
    await hub.addStore('dcn0');
    expect(await refusalOf(remove('central'))).toMatchObject({ code: 'IN_USE' });
    await remove('dcn0');
    await remove('central');
    expect(await ids()).toEqual([]);
  });
});

test('a cloud without a central store says what it lacks', async () => {
  await remove('central');
  const { id: imageId } = await hub.call(admin, Images.Create, { name: 'x' });
  const refusal = await refusalOf(hub.call(admin, Images.BeginUpload, { imageId, sizeBytes: 1 }));
  expect(refusal).toMatchObject({ code: 'CONFLICT' });
  expect(refusal.hint).toContain('--role central');
});
