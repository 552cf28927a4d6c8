import { afterAll, beforeAll, expect, test } from 'vitest';
import { Images } from '../../../src/rpc/proto.ts';
import type { Credentials } from '../../../src/trust/credentials.ts';
import { type FakeAgent, refusalOf, TestHub } from './test-hub.ts';

const INJECTED = { os_distro: 'debian', hw_disk_bus: 'virtio' };
const FOUND = {
  diskFormat: 'raw',
  containerFormat: 'bare',
  properties: { compat: '1.1', vmware_adaptertype: 'ide' },
};

let hub: TestHub;
let central: FakeAgent;
let member: Credentials;

beforeAll(async () => {
  hub = await TestHub.start({
    config: { disk_formats: ['raw', 'qcow2'], inject_properties: { properties: INJECTED } },
  });
  central = await hub.site('central', 'central');
  member = await hub.addOperator('mia', 'member');
});
afterAll(() => hub[Symbol.asyncDispose]());

/** An image of qcow2 that was fetched, and became raw. */
async function imported(owner: Credentials): Promise<string> {
  const properties = { compat: 'mine', hw_disk_bus: 'scsi', colour: 'blue' };
  const record = { name: 'i', diskFormat: 'qcow2', properties };
  const { id: imageId } = await hub.call(owner, Images.Create, record);
  const webDownload = { uri: 'https://ada:hunter2@x.example/y' };
  await hub.call(owner, Images.Import, { imageId, webDownload });
  await central.ingest(await central.assigned(imageId), FOUND);
  return imageId;
}

test('what the cloud injects wins over what its owner gave, and that over what was found in the file', async () => {
  const image = await hub.call(member, Images.Get, { imageId: await imported(member) });
  expect(image).toMatchObject({ status: 'active', diskFormat: 'raw', containerFormat: 'bare' });
  expect(image.properties).toEqual({
    vmware_adaptertype: 'ide',
    compat: 'mine',
    colour: 'blue',
    ...INJECTED,
  });
});

test('what an admin brings in is left as it is', async () => {
  const admin = await hub.admin();
  const image = await hub.call(admin, Images.Get, { imageId: await imported(admin) });
  expect(image.properties).toMatchObject({ hw_disk_bus: 'scsi' });
  expect(image.properties).not.toHaveProperty('os_distro');
});

test('events do not tell the values of properties that an owner gave', async () => {
  await imported(member);
  const told = JSON.stringify(await hub.events());
  expect(told).toContain('web-download');
  expect(told).not.toContain('blue');
});

test('a format that the cloud does not let in is refused, at the record already', async () => {
  const refusal = await refusalOf(hub.call(member, Images.Create, { name: 'v', diskFormat: 'vmdk' }));
  expect(refusal).toMatchObject({
    code: 'INVALID',
    message: 'disk_format vmdk is not allowed in this cloud',
    hint: expect.stringContaining('allowed: raw, qcow2'),
  });
});
