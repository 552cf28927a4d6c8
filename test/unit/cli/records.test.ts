import { beforeEach, describe, expect, it } from 'vitest';
import { FakeHub } from './run.ts';
import { IMAGE_ID, image, member } from './samples.ts';

let asked: unknown[];
beforeEach(() => {
  asked = [];
});

const WARNING = "property hw_disk_bus is 'floppy', allowed is virtio, scsi";

/** Answers everything, and keeps what it was asked without what was left out. */
const answering = () =>
  FakeHub.with({
    Images: {
      Update: async (request) => {
        asked.push(given(request));
        return image({ name: request.name ?? 'debian-13', propertyWarnings: [WARNING] });
      },
      List: async (request) => {
        asked.push(given(request));
        return { images: [image()], nextMarker: '' };
      },
      Deactivate: async () => image({ status: 'deactivated' }),
      Reactivate: async () => image(),
      AddMember: async (request) => {
        asked.push(given(request));
        return member();
      },
      ListMembers: async () => ({ members: [member(), member({ member: 'carl', status: 'accepted' })] }),
      SetMember: async (request) => {
        asked.push(given(request));
        return member({ status: request.status });
      },
      RemoveMember: async () => member(),
    },
  });

function given(request: object): Record<string, unknown> {
  const isEmpty = (value: unknown) =>
    value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  return Object.fromEntries(
    Object.entries(request).filter(([key, value]) => !key.startsWith('_') && !isEmpty(value)),
  );
}

describe('image set', () => {
  it('sends what was given and nothing else, in one call', async () => {
    await using hub = await answering();
    const words =
      `--name new --visibility shared --owner bob --unprotected --visible --disk-format qcow2 ` +
      `--container-format ovf --min-disk 0 --min-ram 512 --property a=b --property c= --tag x --tag y`;
    expect((await hub.run('image', 'set', IMAGE_ID, ...words.split(' '))).code).toBe(0);
    await hub.run('image', 'set', IMAGE_ID, '--protected', '--hidden');
    expect(asked).toEqual([
      {
        imageId: IMAGE_ID,
        name: 'new',
        visibility: 'shared',
        owner: 'bob',
        protected: false,
        osHidden: false,
        diskFormat: 'qcow2',
        containerFormat: 'ovf',
        minDiskGib: 0,
        minRamMib: 512,
        properties: { a: 'b', c: '' },
        addedTags: ['x', 'y'],
      },
      { imageId: IMAGE_ID, protected: true, osHidden: true },
    ]);
  });

  it('warns people of properties, and leaves it to the result for scripts', async () => {
    await using hub = await answering();
    const set = ['image', 'set', IMAGE_ID, '--property', 'hw_disk_bus=floppy'];
    const { code, stdout, stderr } = await hub.run(...set);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `warning: ${WARNING}\n` });
    expect(stdout).toContain('debian-13');
    const json = await hub.run(...set, '-o', 'json');
    expect(json.stderr).toBe('');
    expect(JSON.parse(json.stdout)).toMatchObject({ id: IMAGE_ID, property_warnings: [WARNING] });
    expect((await hub.run('image', 'set', IMAGE_ID, '--name', 'x')).stderr).toBe('');
  });

  it.each([
    [['image', 'set', IMAGE_ID], 'nothing is named'],
    [['image', 'unset', IMAGE_ID], 'nothing is named'],
    [['image', 'set', IMAGE_ID, '--protected', '--unprotected'], 'cannot be used with'],
    [['image', 'set', IMAGE_ID, '--hidden', '--visible'], 'cannot be used with'],
    [['image', 'unset', IMAGE_ID, '--property', 'a=b'], 'is not the name of a property'],
    [['image', 'set', 'debian', '--name', 'x'], 'is not a UUID'],
    [['image', 'list', '--size-min', '2X'], 'is not a number of bytes'],
  ])('refuses %j before the hub is asked', async (words, message) => {
    await using hub = await answering();
    const { code, stderr } = await hub.run(...words);
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
    expect(stderr).toContain(message);
  });
});

it('image unset names properties and tags', async () => {
  await using hub = await answering();
  const { code, stderr } = await hub.run('image', 'unset', IMAGE_ID, '--property', 'a', 'b', '--tag', 'x');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(asked).toEqual([{ imageId: IMAGE_ID, removedProperties: ['a', 'b'], removedTags: ['x'] }]);
});

it('image list asks for what is wanted, in the order that is wanted', async () => {
  await using hub = await answering();
  const words =
    `--name n --status active --visibility shared --owner bob --disk-format raw --container-format bare ` +
    `--tag x --tag y --hidden --unprotected --member-status pending --property a=b --size-min 20M ` +
    `--size-max 2000 --store dcn0 --sort name:desc,size --sort id --marker ${IMAGE_ID} --limit 7`;
  expect((await hub.run('image', 'list', ...words.split(' '))).code).toBe(0);
  expect(asked).toEqual([
    {
      limit: 7,
      marker: IMAGE_ID,
      name: 'n',
      status: 'active',
      visibility: 'shared',
      owner: 'bob',
      diskFormat: 'raw',
      containerFormat: 'bare',
      tags: ['x', 'y'],
      osHidden: true,
      protected: false,
      memberStatus: 'pending',
      properties: { a: 'b' },
      sizeMinBytes: 20 * 1024 * 1024,
      sizeMaxBytes: 2000,
      storeId: 'dcn0',
      sort: ['name:desc', 'size', 'id'],
    },
  ]);
});

it('image deactivate and reactivate say how the image stands', async () => {
  await using hub = await answering();
  const stdout = async (verb: string) => (await hub.run('image', verb, IMAGE_ID)).stdout;
  expect(await stdout('deactivate')).toBe(`image ${IMAGE_ID} is deactivated\n`);
  expect(await stdout('reactivate')).toBe(`image ${IMAGE_ID} is active\n`);
  const json = await hub.run('image', 'deactivate', IMAGE_ID, '-o', 'json');
  expect(JSON.parse(json.stdout)).toMatchObject({ id: IMAGE_ID, status: 'deactivated' });
});

it('image member adds, lists, answers and removes', async () => {
  await using hub = await answering();
  const run = async (...words: string[]) => (await hub.run('image', 'member', ...words)).stdout;
  expect(await run('add', IMAGE_ID, 'bob')).toBe(`image ${IMAGE_ID} is shared with bob: pending\n`);
  expect(await run('list', IMAGE_ID)).toBe(
    [
      'MEMBER  STATUS    SINCE\n',
      'bob     pending   2026-11-20 12:00:00Z\n',
      'carl    accepted  2026-11-20 12:00:00Z\n',
    ].join(''),
  );
  expect(await run('set', IMAGE_ID, '--status', 'accepted')).toContain('bob: accepted\n');
  await run('set', IMAGE_ID, '--status', 'rejected', '--member', 'carl');
  expect(await run('remove', IMAGE_ID, 'bob')).toBe(`image ${IMAGE_ID} is no longer shared with bob\n`);
  expect(asked).toEqual([
    { imageId: IMAGE_ID, member: 'bob' },
    { imageId: IMAGE_ID, status: 'accepted' },
    { imageId: IMAGE_ID, member: 'carl', status: 'rejected' },
  ]);
  expect(JSON.parse(await run('list', IMAGE_ID, '-o', 'json'))).toMatchObject([
    { image_id: IMAGE_ID, member: 'bob', status: 'pending' },
    { member: 'carl' },
  ]);
});
