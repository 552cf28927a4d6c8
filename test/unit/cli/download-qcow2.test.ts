import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitFor } from '../../cloud/wait.ts';
import { FakeHub, Folder, start } from './run.ts';
import { END, FRAMES, record, serving, WHOLE } from './sample-download.ts';
import { IMAGE_ID } from './samples.ts';

let folder: Folder;
let path: string;
beforeEach(async () => {
  folder = await Folder.make();
  await mkdir(folder.file('to'));
  // qemu-img would take what is before the colon for a protocol.
  path = folder.file('to/disk:1.qcow2');
});
afterEach(() => folder[Symbol.asyncDispose]());

const download = (file = path) => ['image', 'download', IMAGE_ID, '--format', 'qcow2', '--file', file];

/** The command with a qemu-img of the test's in place of the real one; without `script` with none. */
async function startWith(hub: FakeHub, script?: string) {
  const bin = folder.file('bin');
  await mkdir(bin);
  if (script !== undefined) {
    await writeFile(`${bin}/qemu-img`, `#!/bin/sh\n[ "$1" = --version ] && exit 0\n${script}`);
    await chmod(`${bin}/qemu-img`, 0o755);
  }
  const env = { ENTREPOT_HUB: hub.address, ENTREPOT_CREDENTIALS: hub.credentials, PATH: bin };
  return start(download(), env);
}

it('is the image, and nothing else is left', async () => {
  await using hub = await FakeHub.with(serving([...FRAMES, END]));
  const { outcome } = hub.startIn(folder.file('to'), ...download('disk:1.qcow2'));
  expect(await outcome).toMatchObject({
    code: 0,
    stdout: 'disk:1.qcow2: 40 MiB as qcow2, SHA-512 as it should be\n',
    stderr: expect.stringMatching(/download converting 100%/),
  });
  expect(await readdir(folder.file('to'))).toEqual(['disk:1.qcow2']);
  const back = folder.file('back.raw');
  const { stdout } = await execa('qemu-img', ['info', '--output=json', path]);
  expect(JSON.parse(stdout)).toMatchObject({ format: 'qcow2' });
  await execa('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', path, back]);
  // Its size is a whole number of sectors there.
  expect((await readFile(back)).subarray(0, WHOLE.length).equals(WHOLE)).toBe(true);
});

it('without qemu-img is refused before the hub is asked', async () => {
  await using hub = await FakeHub.with({});
  expect(await (await startWith(hub)).outcome).toEqual({
    code: 3,
    stdout: '',
    stderr:
      'entrepot: qemu-img is not there, which makes qcow2 files\n' +
      'hint: install it (`apt install qemu-utils`), or download with --format raw\n',
  });
  expect(await readdir(folder.file('to'))).toEqual([]);
});

it('that is cancelled leaves no process and no qcow2 file, and the raw bytes for the next time', async () => {
  await using hub = await FakeHub.with(serving([...FRAMES, END]));
  const pidFile = folder.file('pid');
  const script = `echo half >"$8"; printf '    (25.00/100%%)\\r'; echo $$ >${pidFile}; exec /bin/sleep 60\n`;
  const { child, outcome } = await startWith(hub, script);
  let told = '';
  child.stderr?.on('data', (text: Buffer) => {
    told += text.toString();
  });
  await waitFor('the conversion', () => told.includes('converting'));
  await waitFor('its process', async () => (await readFile(pidFile, 'utf8').catch(() => '')) !== '');
  const pid = Number(await readFile(pidFile, 'utf8'));
  child.kill('SIGINT');
  expect(await outcome).toMatchObject({
    code: 130,
    stderr: expect.stringMatching(/, 10 MiB of 40 MiB[\s\S]*interrupted; .*keeps 8 MiB of 8 MiB/),
  });
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(await readdir(folder.file('to'))).toEqual(['disk:1.qcow2.part', 'disk:1.qcow2.part.json']);
  await using later = await FakeHub.with({ Images: { Get: async () => record } });
  expect(await later.run(...download())).toMatchObject({ code: 0 });
  expect(await readdir(folder.file('to'))).toEqual(['disk:1.qcow2']);
});

it.each([
  ['echo "qemu-img: error while writing: No space left on device" >&2; exit 1\n', 7, 'the disk became full'],
  ['echo "qemu-img: no idea" >&2; exit 1\n', 1, 'qemu-img could not convert: qemu-img: no idea'],
])('that fails with %j leaves no qcow2 file', async (script, code, message) => {
  await using hub = await FakeHub.with(serving([...FRAMES, END]));
  const { outcome } = await startWith(hub, `echo half >"$8"; ${script}`);
  expect(await outcome).toMatchObject({ code, stderr: expect.stringContaining(message) });
  expect(await readdir(folder.file('to'))).toEqual(['disk:1.qcow2.part', 'disk:1.qcow2.part.json']);
});
