import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench, expectJsonRefusal, expectTextRefusal, type Refused } from '../helpers-file.ts';

const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
const NOBODY = '00000000-0000-4000-8000-000000000000';

let bench: Bench;
let good: string;

beforeAll(async () => {
  bench = await Bench.start({ storeIds: ['central', 'dcn0'] });
  good = await bench.sample('good', 12, 8);
  await bench.bring('good', good, '--id', IMAGE);
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});

/** As text and as JSON, and nothing has changed: no image, no job, no byte on a disk. */
async function expectRefused(args: readonly string[], refused: Refused): Promise<void> {
  const before = await bench.state();
  const [text, json] = await Promise.all([bench.cloud.cli(...args), bench.cloud.cli('-o', 'json', ...args)]);
  expectTextRefusal(text, refused);
  expectJsonRefusal(json, refused);
  expect(await bench.state()).toEqual(before);
}

const path = (name: string) => join(bench.folder, name);
const create = (...more: string[]) => ['image', 'create', '--name', 'n', '--file', good, ...more];

type Case = readonly [name: string, args: () => readonly string[], refused: Refused];

const UNKNOWN_IMAGE: Refused = {
  exit: 3,
  code: 'NOT_FOUND',
  says: `image ${NOBODY} is not in the catalogue`,
  hint: '`entrepot image list` shows the images',
};
const NOT_A_UUID: Refused = {
  exit: 2,
  code: 'INVALID',
  says: "image id 'debian-13' is not a UUID",
  hint: '`entrepot image list` shows them',
};
const UNKNOWN_JOB: Refused = {
  exit: 3,
  code: 'NOT_FOUND',
  says: `job ${NOBODY} is not`,
  hint: '`entrepot job list --all` shows',
};

const CASES: readonly Case[] = [
  // Stores
  [
    'copy to a store nobody knows, along with a good one',
    () => ['image', 'copy', IMAGE, '--stores', 'dcn0,mars'],
    {
      exit: 2,
      code: 'INVALID',
      says: 'no store is named mars: nothing was queued',
      hint: 'the stores are central, dcn0',
      rule: 'R4',
    },
  ],
  [
    'copy to a store that has it already, along with one that lacks it',
    () => ['image', 'copy', IMAGE, '--stores', 'dcn0,central'],
    {
      exit: 4,
      code: 'ALREADY_EXISTS',
      says: `is already at central: nothing was queued`,
      hint: '--all-stores',
      rule: 'R4',
    },
  ],
  [
    'copy to no store',
    () => ['image', 'copy', IMAGE],
    { exit: 2, code: 'INVALID', says: 'no store was named', hint: '--stores A,B or --all-stores' },
  ],
  [
    'copy to a store whose name is none',
    () => ['image', 'copy', IMAGE, '--stores', 'DCN_0'],
    { exit: 2, code: 'INVALID', says: "store id 'DCN_0' is not valid", hint: '`entrepot store list`' },
  ],
  [
    'delete-copy at a store nobody knows',
    () => ['image', 'delete-copy', IMAGE, '--store', 'mars'],
    {
      exit: 3,
      code: 'NOT_FOUND',
      says: 'no store is named mars',
      hint: 'the stores are central, dcn0',
      rule: 'R8',
    },
  ],
  // Images
  ['show of an unknown image', () => ['image', 'show', NOBODY], UNKNOWN_IMAGE],
  ['locations of an unknown image', () => ['image', 'locations', NOBODY], UNKNOWN_IMAGE],
  ['copy of an unknown image', () => ['image', 'copy', NOBODY, '--stores', 'dcn0'], UNKNOWN_IMAGE],
  [
    'download of an unknown image',
    () => ['image', 'download', NOBODY, '--file', path('not-made.raw')],
    UNKNOWN_IMAGE,
  ],
  ['upload to an unknown image', () => ['image', 'upload', NOBODY, '--file', good], UNKNOWN_IMAGE],
  [
    'delete-copy of an unknown image',
    () => ['image', 'delete-copy', NOBODY, '--store', 'dcn0'],
    UNKNOWN_IMAGE,
  ],
  ['delete of an unknown image', () => ['image', 'delete', NOBODY], UNKNOWN_IMAGE],
  ['show of a name instead of a UUID', () => ['image', 'show', 'debian-13'], NOT_A_UUID],
  ['copy of a name instead of a UUID', () => ['image', 'copy', 'debian-13', '--stores', 'dcn0'], NOT_A_UUID],
  ['delete of a name instead of a UUID', () => ['image', 'delete', 'debian-13'], NOT_A_UUID],
  [
    'upload to an image that has its data',
    () => ['image', 'upload', IMAGE, '--file', good],
    { exit: 4, code: 'CONFLICT', says: `image ${IMAGE} is active`, hint: 'an image is filled once' },
  ],
  // Jobs
  ['show of an unknown job', () => ['job', 'show', NOBODY], UNKNOWN_JOB],
  ['watch of an unknown job', () => ['job', 'watch', NOBODY], UNKNOWN_JOB],
  ['cancel of an unknown job', () => ['job', 'cancel', NOBODY], UNKNOWN_JOB],
  [
    'show of a job whose id is none',
    () => ['job', 'show', '17'],
    { exit: 2, code: 'INVALID', says: "job id '17' is not a UUID", hint: '`entrepot job list --all` shows' },
  ],
  // Files
  [
    'a file that is not there',
    () => ['image', 'create', '--name', 'n', '--file', path('absent.raw')],
    { exit: 3, code: 'NOT_FOUND', says: 'absent.raw: no such file or folder', hint: null },
  ],
  [
    'an empty file',
    () => ['image', 'create', '--name', 'n', '--file', path('empty.raw')],
    { exit: 2, code: 'INVALID', says: 'empty.raw is empty', hint: null },
  ],
  [
    'a folder',
    () => ['image', 'create', '--name', 'n', '--file', bench.folder],
    { exit: 2, code: 'INVALID', says: 'is a folder, not a raw image', hint: null },
  ],
  [
    'a device',
    () => ['image', 'create', '--name', 'n', '--file', '/dev/zero'],
    {
      exit: 2,
      code: 'INVALID',
      says: '/dev/zero is not a regular file',
      hint: 'copy a device or a pipe into a file first',
    },
  ],
  [
    'a qcow2 file that is none',
    () => ['image', 'create', '--name', 'n', '--file', path('disk.qcow2')],
    {
      exit: 2,
      code: 'INVALID',
      says: 'disk.qcow2: qcow2 version 0 is not known',
      hint: 'make it anew with a current tool',
    },
  ],
  [
    'a download over a file that is there',
    () => ['image', 'download', IMAGE, '--file', good],
    { exit: 4, code: 'ALREADY_EXISTS', says: 'good.raw is there already', hint: '--force replaces it' },
  ],
  [
    'a download into a folder that is not there',
    () => ['image', 'download', IMAGE, '--file', path('absent/x.raw')],
    { exit: 3, code: 'NOT_FOUND', says: 'no such file or folder', hint: null },
  ],
  // Records
  [
    'no name',
    () => ['image', 'create', '--file', good],
    {
      exit: 2,
      code: 'INVALID',
      says: "required option '--name <name>' not specified",
      hint: '`entrepot image create --help`',
    },
  ],
  [
    'an empty name',
    () => ['image', 'create', '--name', '', '--file', good],
    { exit: 2, code: 'INVALID', says: 'the image has no name', hint: '--name' },
  ],
  [
    'an id that is taken',
    () => create('--id', IMAGE),
    {
      exit: 4,
      code: 'ALREADY_EXISTS',
      says: `image id ${IMAGE} is in use, or was once`,
      hint: 'leave the id out',
      rule: 'R1',
    },
  ],
  ['an id that is no UUID', () => create('--id', 'debian-13'), NOT_A_UUID],
  [
    'a reserved property',
    () => create('--property', 'os_glance_failed_import=x'),
    { exit: 5, code: 'FORBIDDEN', says: 'property os_glance_failed_import is reserved', hint: 'os_glance' },
  ],
  [
    'a property without a value',
    () => create('--property', 'os_distro'),
    { exit: 2, code: 'INVALID', says: "'os_distro'", hint: '--property os_distro=debian' },
  ],
  [
    'a disk format nobody knows',
    () => create('--disk-format', 'qcow3'),
    {
      exit: 2,
      code: 'INVALID',
      says: "'qcow3' is invalid. Allowed choices are raw, qcow2",
      hint: '`entrepot image create --help`',
    },
  ],
  [
    'a disk format that the file does not have',
    () => create('--disk-format', 'qcow2'),
    {
      exit: 2,
      code: 'INVALID',
      says: 'good.raw is raw, and was declared as qcow2',
      hint: '--disk-format raw, or leave it out',
    },
  ],
  [
    'a visibility nobody knows',
    () => create('--visibility', 'secret'),
    { exit: 2, code: 'INVALID', says: "'secret' is invalid. Allowed choices are public", hint: '--help' },
  ],
  [
    'a size that is no number',
    () => create('--min-disk', 'ten'),
    { exit: 2, code: 'INVALID', says: "min disk 'ten'", hint: null },
  ],
  // The command line
  [
    'a command nobody knows',
    () => ['image', 'cpoy', IMAGE],
    { exit: 2, code: 'INVALID', says: "unknown command 'cpoy'", hint: 'Did you mean copy?' },
  ],
  [
    'an option nobody knows',
    () => create('--nmae', 'x'),
    { exit: 2, code: 'INVALID', says: "unknown option '--nmae'", hint: 'Did you mean --name?' },
  ],
  [
    'a request id with a blank',
    () => ['--request-id', 'a b', 'store', 'list'],
    { exit: 2, code: 'INVALID', says: "request id 'a b' is not valid", hint: '1 to 64 letters' },
  ],
  [
    'a hub address without a port',
    () => ['--hub', 'hub.example', 'store', 'list'],
    { exit: 2, code: 'INVALID', says: "'hub.example' is not the address of a hub", hint: 'ENTREPOT_HUB' },
  ],
  [
    'a hub that is not there',
    () => ['--hub', '127.0.0.1:1', 'store', 'list'],
    { exit: 6, code: 'UNAVAILABLE', says: 'cannot reach the hub at 127.0.0.1:1', hint: 'is it running' },
  ],
];

describe('a command that makes no sense is refused, with what to do, and changes nothing', () => {
  beforeAll(async () => {
    await writeFile(path('empty.raw'), '');
    await writeFile(
      path('disk.qcow2'),
      Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(65_536)]),
    );
  });

  test.each(CASES)('%s', async (_name, args, refused) => {
    await expectRefused(args(), refused);
  });
});
