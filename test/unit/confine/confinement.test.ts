import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Confinement } from '../../../src/confine/confinement.ts';
import { ProgramFailedError } from '../../../src/confine/ending.ts';
import { KEPT_BYTES } from '../../../src/confine/kept-text.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { lacking } from './lacking.ts';

const confinement = new Confinement({ limits: { memoryBytes: 256 * 1024 ** 2, cpuSeconds: 60 } });
const LACKING = await lacking();
const NODE = process.execPath;
const packageName = 'none';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-confine-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function shell(script: string, more: object = {}) {
  return confinement.run({ program: 'sh', args: ['-c', script], packageName, ...more });
}

describe.skipIf(LACKING !== undefined)(`a confined program ${LACKING ?? ''}`, () => {
  it('has no network, no capability, no environment of ours, and writes no file', async () => {
    vi.stubEnv('SECRET_OF_OURS', 'x');
    const { stdout } = await shell('cat /proc/net/dev /proc/self/status; env');
    vi.unstubAllEnvs();
    expect([...stdout.matchAll(/^ *(\w+):.*\d+ +\d+ +\d+ +\d+ +\d+ +\d+/gm)].map(([, name]) => name)).toEqual(
      ['lo'],
    );
    expect(stdout).toMatch(/^CapEff:\s+0+$/m);
    expect(stdout).toMatch(/^CapPrm:\s+0+$/m);
    expect(stdout).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(stdout).not.toContain('SECRET_OF_OURS');
    const path = join(folder, 'written');
    await expect(shell(`exec head -c 1 /dev/zero > ${path}`)).rejects.toThrow('tried to write a file');
    expect(await readFile(path, 'utf8')).toBe('');
  });

  it('is told to be the one that said no, with the last it said', async () => {
    const failed = await shell('echo no such format >&2; exit 3').catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(ProgramFailedError);
    expect(failed).toMatchObject({ exitCode: 3, stderr: 'no such format\n' });
  });

  it('is held to its CPU time', async () => {
    const spin = shell('while :; do :; done', { limits: { cpuSeconds: 1 } });
    await expect(spin).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('1 s of CPU time'),
    });
  });

  it('is held to its memory', async () => {
    // One line without an end, which tail keeps in full.
    const hog = shell('head -c 1G /dev/zero | tail -n 1', { limits: { memoryBytes: 64 * 1024 ** 2 } });
    await expect(hog).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('64 MiB of memory'),
    });
  });

  it('has the last of its output kept, whatever there is of it', async () => {
    const { stdout } = await shell('head -c 3000000 /dev/zero; echo end');
    expect(stdout).toHaveLength(KEPT_BYTES);
    expect(stdout.endsWith('end\n')).toBe(true);
  });

  it('reads and writes no faster than its writer and reader are', async () => {
    let given = 0;
    let taken = 0;
    const source = async function* () {
      for (; given < 50_000_000; given += 100_000) yield Buffer.alloc(100_000);
    };
    await confinement.run({
      program: 'cat',
      args: [],
      packageName,
      stdin: source(),
      stdout: async (bytes) => {
        if (taken === 0) await delay(300);
        // What lies between: two pipes and the buffers of streams.
        expect(given - taken).toBeLessThan(2_000_000);
        taken += bytes.length;
      },
    });
    expect(taken).toBe(50_000_000);
  });

  it('ends for what its reader threw, and for what its source threw', async () => {
    const full = new Refusal('NO_SPACE', 'full');
    const reader = () => {
      throw full;
    };
    await expect(shell('exec cat /dev/zero', { stdout: reader })).rejects.toBe(full);
    const source = async function* () {
      yield Buffer.from('some');
      throw full;
    };
    await expect(shell('exec cat', { stdin: source() })).rejects.toBe(full);
  });

  it('need not read all of its source', async () => {
    const endless = async function* () {
      for (;;) yield Buffer.alloc(65536);
    };
    expect((await shell('head -c 10 | wc -c', { stdin: endless() })).stdout.trim()).toBe('10');
  });
});

describe.skipIf(LACKING !== undefined)('cancelling', () => {
  it('ends it, also one that does not want to, for the reason given', async () => {
    const reason = new Refusal('CANCELLED', 'job 7 was cancelled');
    const abort = new AbortController();
    let pid = 0;
    const stubborn = shell('trap "" TERM; echo $$; while :; do sleep 1; done', {
      signal: abort.signal,
      stdout: (bytes: Buffer) => {
        pid = Number(bytes.toString());
        abort.abort(reason);
      },
    });
    await expect(stubborn).rejects.toBe(reason);
    expect(pid).toBeGreaterThan(0);
    expect(isAlive(pid)).toBe(false);
  });

  it('before it began starts nothing', async () => {
    await expect(shell(`exec touch ${folder}/started`, { signal: AbortSignal.abort() })).rejects.toThrow();
  });
});

it.skipIf(LACKING !== undefined)('dies with the agent, however that dies', async () => {
  const script = join(folder, 'agent.ts');
  const module = new URL('../../../src/confine/confinement.ts', import.meta.url).href;
  await writeFile(
    script,
    `import { Confinement } from '${module}';
    await new Confinement().run({ program: 'sh', args: ['-c', 'echo $$; exec sleep 60'], packageName: 'none',
      stdout: (bytes) => { process.stdout.write(bytes); } });`,
  );
  const agent = spawn(NODE, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [bytes] = (await once(agent.stdout, 'data')) as [Buffer];
  const pid = Number(bytes.toString());
  expect(isAlive(pid)).toBe(true);
  agent.kill('SIGKILL');
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 5000 });
});

describe('where it cannot be done', () => {
  it('says so, and what would help', async () => {
    const fake = join(folder, 'bin');
    await expect(new Confinement({ path: fake }).start()).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      hint: expect.stringContaining('apt install util-linux'),
    });
    await mkdir(fake);
    for (const program of ['unshare', 'prlimit', 'setpriv', 'true']) {
      await writeFile(join(fake, program), '#!/bin/sh\nexit 1\n');
      await chmod(join(fake, program), 0o755);
    }
    await expect(new Confinement({ path: fake }).start()).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      hint: expect.stringContaining('RestrictNamespaces=user net'),
    });
  });

  it.skipIf(LACKING !== undefined)('names the package of a program that is missing', async () => {
    const run = confinement.run({ program: 'no-such-program', args: [], packageName: 'qemu-utils' });
    await expect(run).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      hint: expect.stringContaining('apt install qemu-utils'),
    });
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
