import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const GEN = fileURLToPath(new URL('../../../scripts/gen.ts', import.meta.url));

test('the generated types are what proto/ says', async () => {
  const check = promisify(execFile)(process.execPath, [GEN, '--check']);
  await expect(check).resolves.toMatchObject({ stderr: '' });
});
