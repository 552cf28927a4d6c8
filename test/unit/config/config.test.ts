import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadAgentConfig } from '../../../src/config/agent-config.ts';
import { checkConfig } from '../../../src/config/check-config.ts';
import { loadHubConfig } from '../../../src/config/hub-config.ts';
import { nearest } from '../../../src/config/problems.ts';
import { Refusal } from '../../../src/domain/refusal.ts';

const SAMPLES = fileURLToPath(new URL('../../../config', import.meta.url));
const INVALID = fileURLToPath(new URL('invalid', import.meta.url));

async function yamlFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.yaml')).map((name) => join(folder, name));
}

async function refusalIn(promise: Promise<unknown>): Promise<Refusal> {
  const outcome = await promise.then(
    (value) => value,
    (error: unknown) => error,
  );
  if (outcome instanceof Refusal) return outcome;
  throw new Error('expected a Refusal', { cause: outcome });
}

/** A comment with a `#` before a key: what is switched off in a sample, showing a default. */
const SWITCHED_OFF = /^# ( *(?:- )?[a-z_]+:(?: [^ ]+)?| {2,}# .*)$/;

describe.each(await yamlFiles(SAMPLES))('the sample %s', (file) => {
  it('is right', async () => {
    const { kind } = await checkConfig(file);
    expect(kind).toBe(basename(file).startsWith('hub') ? 'hub' : 'agent');
  });
});

describe.each(await yamlFiles(INVALID))('%s', (file) => {
  it('is refused with what its first lines say', async () => {
    const lines = (await readFile(file, 'utf8')).split('\n');
    const expected = lines.filter((line) => line.startsWith('# ')).map((line) => line.slice(2));
    const { code, message } = await refusalIn(checkConfig(file));
    expect(code).toBe('INVALID');
    const problems = message.split('\n').map((line) => line.replace(`${file}:`, '').trim());
    expect(problems).toEqual(expected);
  });
});

describe('a hub configuration', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'entrepot-config-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const write = async (text: string): Promise<string> => {
    const file = join(folder, 'test.yaml');
    await writeFile(file, text);
    return file;
  };

  it('has a default for whatever is left out, and paths from its folder', async () => {
    const file = await write('catalogue: ../c.sqlite\nstores: [{ id: central, role: central }]\n');
    expect(await loadHubConfig(file)).toEqual({
      listen: { grpc: { host: '127.0.0.1', port: 7440 }, http: { host: '127.0.0.1', port: 7441 } },
      catalogue: join(folder, '../c.sqlite'),
      stores: [{ id: 'central', role: 'central' }],
      queue: {
        widthPerStore: 2,
        width: 16,
        maxAttempts: 5,
        retry: { firstDelayMs: 1000, maxDelayMs: 300_000 },
      },
      heartbeatIntervalMs: 5000,
      log: { level: 'info' },
    });
  });

  it('takes what is given, whole', async () => {
    const file = await write(`
listen: { grpc: "[::1]:0", http: localhost:1 }
catalogue: /c
stores: [{ id: a, role: edge }, { id: b, role: central }]
queue: { width_per_store: 3, width: 4, max_attempts: 6, retry: { first_delay_ms: 70, max_delay_ms: 80 } }
heartbeat_interval_ms: 900
log: { level: debug }
`);
    expect(await loadHubConfig(file)).toEqual({
      listen: { grpc: { host: '::1', port: 0 }, http: { host: 'localhost', port: 1 } },
      catalogue: '/c',
      stores: [
        { id: 'a', role: 'edge' },
        { id: 'b', role: 'central' },
      ],
      queue: { widthPerStore: 3, width: 4, maxAttempts: 6, retry: { firstDelayMs: 70, maxDelayMs: 80 } },
      heartbeatIntervalMs: 900,
      log: { level: 'debug' },
    });
  });

  it('cannot be changed once it is decided', async () => {
    const config = await loadHubConfig(join(SAMPLES, 'hub.yaml'));
    expect(() => Object.assign(config.queue.retry, { firstDelayMs: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.listen.grpc, { port: 1 })).toThrow(TypeError);
  });

  it('that is not YAML says where it stops being so', async () => {
    const file = await write('catalogue: c\nstores: [{ id: central\n');
    const { code, message } = await refusalIn(checkConfig(file));
    expect(code).toBe('INVALID');
    // The words are the YAML library's.
    expect(message).toContain(`${file}:3:1: Flow map`);
  });

  it('that is not there is NOT_FOUND', async () => {
    const refusal = await refusalIn(loadHubConfig(join(folder, 'none.yaml')));
    expect(refusal).toMatchObject({ code: 'NOT_FOUND' });
    expect(refusal.message).toContain(join(folder, 'none.yaml'));
  });

  it('shows in the sample what the defaults are', async () => {
    const sample = await readFile(join(SAMPLES, 'hub.yaml'), 'utf8');
    const switchedOn = sample.replaceAll(new RegExp(SWITCHED_OFF, 'gm'), '$1');
    expect(switchedOn).toMatch(/^queue:$/m);
    const { catalogue: _, ...shown } = await loadHubConfig(await write(switchedOn));
    const { catalogue: __, ...defaults } = await loadHubConfig(join(SAMPLES, 'hub.yaml'));
    expect(shown).toEqual(defaults);
  });
});

describe('an agent configuration', () => {
  it('of the rbd driver', async () => {
    expect(await loadAgentConfig(join(SAMPLES, 'agent.yaml'))).toEqual({
      store: 'central',
      hub: '127.0.0.1:7440',
      driver: {
        type: 'rbd',
        conf: '/etc/ceph/ceph.conf',
        client: 'images',
        keyring: undefined,
        pool: 'images',
        timeoutMs: 30_000,
      },
      listen: { transfer: { host: '127.0.0.1', port: 7442 }, http: { host: '127.0.0.1', port: 7443 } },
      transferAddress: undefined,
      transfer: { windowBytes: 16 * 1024 * 1024 },
      log: { level: 'info' },
    });
  });

  it('of the file driver', async () => {
    expect(await loadAgentConfig(join(SAMPLES, 'agent-file.yaml'))).toMatchObject({
      store: 'dcn0',
      driver: { type: 'file', folder: join(SAMPLES, '../var/dcn0'), pool: 'images', quotaBytes: undefined },
      listen: { transfer: { host: '127.0.0.1', port: 7444 } },
    });
  });
});

describe('the nearest known key', () => {
  const KNOWN = ['width', 'width_per_store', 'max_attempts', 'retry'];
  it.each([
    ['widht', 'width'],
    ['widthPerStore', 'width_per_store'],
    ['max-attempts', 'max_attempts'],
    ['maxattempt', 'max_attempts'],
    ['retries', undefined],
    ['x', undefined],
  ])('to %s is %s', (key, expected) => {
    expect(nearest(key, KNOWN)).toBe(expected);
  });
});
