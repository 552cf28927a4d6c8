import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Image } from '../../../src/cli/wire.ts';
import { Intake, importJob, sha512 } from './intake.ts';
import { FakeHub, Folder } from './run.ts';
import { emptyImage, IMAGE_ID } from './samples.ts';

const bytes = Buffer.alloc(5_000_000, 'staged');

let folder: Folder;
let path: string;
beforeAll(async () => {
  folder = await Folder.make();
  path = folder.file('disk.raw');
  await writeFile(path, bytes);
});
afterAll(() => folder[Symbol.asyncDispose]());

/** All of the file was staged, and the command ended before it could ask for the import. */
function staged(changes: Partial<Image> = {}): Intake {
  const intake = new Intake();
  const image = emptyImage({
    status: 'uploading',
    owner: 'alice',
    stagedBytes: bytes.length,
    stagedSha512: sha512(bytes),
    ...changes,
  });
  intake.shown = image;
  intake.uploading = [image];
  return intake;
}

const create = ['image', 'create', '--name', 'debian-13'];

describe('a file that is staged already', () => {
  it.each([
    ['image upload', ['image', 'upload', IMAGE_ID]],
    ['image create', create],
    ['image create with its id', [...create, '--id', IMAGE_ID]],
  ])('is imported by %s, and nothing is sent', async (_name, command) => {
    const intake = staged();
    await using hub = await FakeHub.with(intake.given());
    const { code, stderr } = await hub.run(...command, '--file', path, '--stores', 'dcn0');
    expect({ code, asked: intake.asked }).toEqual({ code: 0, asked: ['Import'] });
    expect(intake.requests['Import']).toMatchObject({
      imageId: IMAGE_ID,
      storeIds: ['dcn0'],
      glanceDirect: {},
    });
    expect(stderr).toContain(`goes on with image ${IMAGE_ID}: all of the file is staged`);
  });

  it('is as staged as it can be for image stage', async () => {
    const intake = staged();
    await using hub = await FakeHub.with(intake.given());
    const { code, stdout } = await hub.run('image', 'stage', IMAGE_ID, '--file', path);
    expect({ code, asked: intake.asked }).toEqual({ code: 0, asked: [] });
    expect(stdout).toBe(
      `staged ${bytes.length} bytes; \`entrepot image import ${IMAGE_ID} --method glance-direct\` takes them in\n`,
    );
    const { stdout: json } = await hub.run('image', 'stage', IMAGE_ID, '--file', path, '-o', 'json');
    expect(JSON.parse(json)).toMatchObject({ image: { staged_sha512: sha512(bytes) }, job: null });
  });

  it.each([
    ['another file', { stagedSha512: sha512(Buffer.from('another')) }],
    ['one nobody knows', { stagedSha512: '' }],
    ['one of another size', { stagedBytes: 7 }],
    ['one that is being imported', { status: 'importing' }],
  ])('is passed over where it is %s', async (_name, changes) => {
    const intake = staged(changes);
    await using hub = await FakeHub.with(intake.given());
    const { code } = await hub.run(...create, '--file', path);
    expect(code).toBe(0);
    expect(intake.asked).toEqual(['Create', 'BeginUpload', 'Upload']);
    // The hub says what is in the way of an image that is named.
    await hub.run('image', 'upload', IMAGE_ID, '--file', path);
    expect(intake.asked[3]).toBe('BeginUpload');
    expect(intake.asked).not.toContain('Import');
  });

  it('is read once, for however many images it may be of', async () => {
    const intake = staged();
    const [image] = intake.uploading as [Image];
    intake.uploading = [{ ...image, stagedSha512: sha512(Buffer.from('another')) }, image];
    await using hub = await FakeHub.with(intake.given());
    const { stderr } = await hub.run(...create, '--file', path);
    expect(intake.asked).toEqual(['Import']);
    expect(stderr.split(`compares ${path} with what is staged`)).toHaveLength(2);
  });

  it('does not hide a job that waits for its bytes', async () => {
    const intake = staged();
    intake.jobs = [importJob({ uploadBytes: bytes.length })];
    intake.has = Buffer.alloc(0);
    await using hub = await FakeHub.with(intake.given());
    await hub.run('image', 'upload', IMAGE_ID, '--file', path);
    expect(intake.asked).toEqual(['Upload']);
  });
});
