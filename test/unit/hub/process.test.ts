import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { initHub } from '../../../src/hub/init.ts';
import { TestHub } from './test-hub.ts';

const EXECUTABLE = fileURLToPath(new URL('../../../bin/entrepot.cjs', import.meta.url));

test('the executable begins anew as the same process, with a heap that is looked after, and passes signals on', async () => {
  await using made = await TestHub.configure();
  const { config, operatorFolder, folder } = made;
  await initHub({ config, operatorName: 'admin', operatorFolder });
  const hub = spawn(process.execPath, [EXECUTABLE, 'hub', '--config', join(folder, 'hub.yaml')]);
  const ended = once(hub, 'exit');
  try {
    for await (const line of createInterface(hub.stdout)) if (line.includes('"listening"')) break;
    const read = async (name: string) => (await readFile(`/proc/${hub.pid}/${name}`, 'utf8')).split('\0');
    const line = await read('cmdline');
    expect(line).toContain('--max-semi-space-size=8');
    expect(line).toContain('--max-old-space-size=768');
    expect(await read('environ')).toContain('MALLOC_ARENA_MAX=1');
    hub.stdout.resume();
    hub.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  } finally {
    hub.kill('SIGKILL');
  }
}, 60_000);
