import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entrepot, Folder, start } from './run.ts';

const HUB = 'catalogue: ./hub.db\nstores:\n  - id: central\n    role: central\n';

let folder: Folder;
let valid: string;
let wrong: string;
beforeAll(async () => {
  folder = await Folder.make();
  valid = folder.file('hub.yaml');
  wrong = folder.file('wrong.yaml');
  await writeFile(valid, HUB);
  await writeFile(wrong, `${HUB}cataloge: x\n`);
});
afterAll(() => folder[Symbol.asyncDispose]());

describe('config check', () => {
  it('says what a valid file is', async () => {
    expect(await entrepot('config', 'check', valid)).toEqual({
      code: 0,
      stderr: '',
      stdout: `${valid}: a valid configuration of a hub\n`,
    });
    expect(JSON.parse((await entrepot('config', 'check', valid, '-o', 'json')).stdout)).toEqual({
      file: valid,
      kind: 'hub',
    });
  });

  it('names file, line and key of a mistake', async () => {
    const { code, stdout, stderr } = await entrepot('config', 'check', wrong);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`${wrong}:5:`);
    expect(stderr).toContain('cataloge');
  });
});

describe('hub and agent', () => {
  it.each(['hub', 'agent'])('%s does not start with a configuration that is wrong', async (command) => {
    const { code, stderr } = await start([command, '--config', wrong]).outcome;
    expect(code).toBe(2);
    expect(stderr).toMatch(/^entrepot: /);
    expect(stderr).toContain(wrong);
    // Nothing was asked of a hub: no log knows this command.
    expect(stderr).not.toContain('request id');
  });
});
