import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadAgentConfig } from '../../../src/config/agent-config.ts';
import { checkConfig } from '../../../src/config/check-config.ts';
import { loadHubConfig } from '../../../src/config/hub-config.ts';
import { nearest } from '../../../src/config/problems.ts';
import { CONTAINER_FORMATS, DISK_FORMATS } from '../../../src/domain/image.ts';
import { Refusal } from '../../../src/domain/refusal.ts';

const SAMPLES = fileURLToPath(new URL('../../../config', import.meta.url));
const INVALID = fileURLToPath(new URL('invalid', import.meta.url));

const DAY_MS = 86_400_000;
const GIB = 1024 ** 3;

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
const SWITCHED_OFF = /^# ( *(?:- )?[a-z_]+:(?: [^ ]+| \[.*\])?| {2,}# .*)$/;

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
    const file = await write('catalogue: ../c/c.sqlite\n');
    expect(await loadHubConfig(file)).toEqual({
      listen: { grpc: { host: '127.0.0.1', port: 7440 }, http: { host: '127.0.0.1', port: 7441 } },
      http: { tls: false, open: ['health', 'metrics'] },
      catalogue: join(folder, '../c/c.sqlite'),
      credentials: join(folder, '../c/credentials'),
      certificates: { agentLifetimeMs: 30 * DAY_MS, operatorLifetimeMs: 90 * DAY_MS },
      joinTokenLifetimeMs: DAY_MS,
      auditKeepDays: 400,
      strictProperties: false,
      limits: {
        operatorCallsPerSecond: 100,
        agentCallsPerSecond: 200,
        connections: 2048,
        connectionsPerNetwork: 512,
      },
      imports: {
        diskFormats: [...DISK_FORMATS],
        containerFormats: [...CONTAINER_FORMATS],
        uploadKeepMs: 86_400_000,
        injection: { properties: {}, ignoredRoles: ['admin'] },
      },
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
listen: { grpc: "[::]:0", http: localhost:1 }
http: { tls: true, open: [health] }
catalogue: /c
credentials: keys
certificates: { agent_lifetime_seconds: 60, operator_lifetime_seconds: 61 }
join_token_lifetime_seconds: 62
audit_keep_days: 7
strict_properties: true
limits: { operator_calls_per_second: 11, agent_calls_per_second: 12, connections: 16, connections_per_network: 14 }
disk_formats: [raw, qcow2]
container_formats: [bare]
upload_keep_seconds: 63
inject_properties: { properties: { os_distro: debian }, ignore_user_roles: [reader] }
queue: { width_per_store: 3, width: 4, max_attempts: 6, retry: { first_delay_ms: 70, max_delay_ms: 80 } }
heartbeat_interval_ms: 900
log: { level: debug }
`);
    expect(await loadHubConfig(file)).toEqual({
      listen: { grpc: { host: '::', port: 0 }, http: { host: 'localhost', port: 1 } },
      http: { tls: true, open: ['health'] },
      catalogue: '/c',
      credentials: join(folder, 'keys'),
      certificates: { agentLifetimeMs: 60_000, operatorLifetimeMs: 61_000 },
      joinTokenLifetimeMs: 62_000,
      auditKeepDays: 7,
      strictProperties: true,
      limits: {
        operatorCallsPerSecond: 11,
        agentCallsPerSecond: 12,
        connections: 16,
        connectionsPerNetwork: 14,
      },
      imports: {
        diskFormats: ['raw', 'qcow2'],
        containerFormats: ['bare'],
        uploadKeepMs: 63_000,
        injection: { properties: { os_distro: 'debian' }, ignoredRoles: ['reader'] },
      },
      queue: { widthPerStore: 3, width: 4, maxAttempts: 6, retry: { firstDelayMs: 70, maxDelayMs: 80 } },
      heartbeatIntervalMs: 900,
      log: { level: 'debug' },
    });
  });

  it('has HTTP under TLS, and nothing open, where others can reach it', async () => {
    const file = await write('catalogue: c\nlisten: { http: "192.0.2.1:7441" }\n');
    expect((await loadHubConfig(file)).http).toEqual({ tls: true, open: [] });
    const open = await write('catalogue: c\nlisten: { http: "192.0.2.1:7441" }\nhttp: { open: [metrics] }\n');
    expect((await loadHubConfig(open)).http).toEqual({ tls: true, open: ['metrics'] });
  });

  it('finds its credentials where systemd has put them', async () => {
    const file = await write('catalogue: c\ncredentials: $CREDENTIALS_DIRECTORY/hub\n');
    vi.stubEnv('CREDENTIALS_DIRECTORY', '/run/credentials/entrepot-hub.service');
    expect((await loadHubConfig(file)).credentials).toBe('/run/credentials/entrepot-hub.service/hub');
    vi.stubEnv('CREDENTIALS_DIRECTORY', undefined);
    expect((await loadHubConfig(file)).credentials).toBe('$CREDENTIALS_DIRECTORY/hub');
    vi.unstubAllEnvs();
  });

  it('of the time when it held the stores says where they are now', async () => {
    const file = await write('catalogue: c\nstores: [{ id: central, role: central }]\n');
    const { message, hint } = await refusalIn(checkConfig(file));
    expect(message).toContain('stores: unknown key');
    expect(hint).toContain('`entrepot store add ID`');
  });

  it('cannot be changed once it is decided', async () => {
    const config = await loadHubConfig(join(SAMPLES, 'hub.yaml'));
    expect(() => Object.assign(config.queue.retry, { firstDelayMs: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.listen.grpc, { port: 1 })).toThrow(TypeError);
  });

  it('that is not YAML says where it stops being so', async () => {
    const file = await write('catalogue: c\nqueue: [{ id: central\n');
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
    expect(switchedOn).toMatch(/^ +open: \[/m);
    // Its paths are the sample's own: below the folder the file is in.
    const read = async (file: string) => {
      const { catalogue, credentials, ...rest } = await loadHubConfig(file);
      return { ...rest, credentials: relative(dirname(catalogue), credentials) };
    };
    expect(await read(await write(switchedOn))).toEqual(await read(join(SAMPLES, 'hub.yaml')));
  });
});

describe('an agent configuration', () => {
  it('of the rbd driver', async () => {
    expect(await loadAgentConfig(join(SAMPLES, 'agent.yaml'))).toEqual({
      store: 'central',
      hub: '127.0.0.1:7440',
      credentials: join(SAMPLES, 'credentials'),
      driver: {
        type: 'rbd',
        conf: '/etc/ceph/ceph.conf',
        client: 'images',
        keyring: undefined,
        pool: 'images',
        timeoutMs: 30_000,
      },
      listen: { transfer: { host: '127.0.0.1', port: 7442 }, http: { host: '127.0.0.1', port: 7443 } },
      http: { tls: false, open: ['health', 'metrics'] },
      transferAddress: undefined,
      transfer: {
        windowBytes: 16 * 1024 * 1024,
        connections: 'auto',
        congestionControl: 'auto',
        compression: 'auto',
        verify: 'read-back',
      },
      imports: {
        staging: { folder: join(SAMPLES, 'staging-central'), quotaBytes: 100 * GIB },
        maxVirtualSizeBytes: 16 * 1024 * GIB,
        vmdkTypes: ['streamOptimized', 'monolithicSparse'],
        allowLuks: false,
        requireMatch: true,
        decompression: true,
        maxDecompressionRatio: 1000,
        conversion: true,
        introspection: true,
        certificates: undefined,
        programLimits: {},
        web: {
          filter: {},
          allowedNetworks: [],
          maxBytes: 1024 * GIB,
          caFile: undefined,
          attempts: undefined,
        },
      },
      log: { level: 'info' },
    });
  });

  it('of the file driver', async () => {
    expect(await loadAgentConfig(join(SAMPLES, 'agent-file.yaml'))).toMatchObject({
      store: 'dcn0',
      credentials: join(SAMPLES, '../var/credentials-dcn0'),
      driver: { type: 'file', folder: join(SAMPLES, '../var/dcn0'), pool: 'images', quotaBytes: undefined },
      listen: { transfer: { host: '127.0.0.1', port: 7444 } },
    });
  });

  it('says how files come in, from its folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'entrepot-config-'));
    const file = join(folder, 'agent.yaml');
    const start = 'store: s\nhub: h:7440\ncredentials: keys/s\ndriver: { type: file, folder: f }\n';
    await writeFile(
      file,
      `${start}staging: { quota_bytes: 7 }
imports: { max_virtual_size_bytes: 8, vmdk_allowed_types: [a], allow_luks: true, require_format_match: false, decompression: false, max_decompression_ratio: 9, conversion: false, introspection: false, certificates: c, program_limits: { memory_bytes: 10, cpu_seconds: 11, processes: 12 } }
web_download: { allowed_schemes: [https], allowed_ports: [], disallowed_ports: [22], allowed_networks: [10.0.0.0/8], max_bytes: 13, ca_file: ca.pem, attempts: 14 }
`,
    );
    expect((await loadAgentConfig(file)).imports).toEqual({
      staging: { folder: join(folder, 'keys/staging-s'), quotaBytes: 7 },
      maxVirtualSizeBytes: 8,
      vmdkTypes: ['a'],
      allowLuks: true,
      requireMatch: false,
      decompression: false,
      maxDecompressionRatio: 9,
      conversion: false,
      introspection: false,
      certificates: join(folder, 'c'),
      programLimits: { memoryBytes: 10, cpuSeconds: 11, processes: 12 },
      web: {
        filter: { allowedSchemes: ['https'], allowedPorts: [], disallowedPorts: [22] },
        allowedNetworks: ['10.0.0.0/8'],
        maxBytes: 13,
        caFile: join(folder, 'ca.pem'),
        attempts: 14,
      },
    });
    // Of each pair the allowed list decides alone where there is anything in it: also by default, of ports.
    await writeFile(file, `${start}web_download: { disallowed_ports: [22] }\n`);
    await expect(loadAgentConfig(file)).rejects.toThrow(
      /disallowed_ports: has no effect while allowed_ports/,
    );
    await rm(folder, { recursive: true });
  });

  it('finds its keyring where systemd has put it, and listens where others reach it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'entrepot-config-'));
    const file = join(folder, 'agent.yaml');
    await writeFile(
      file,
      `
store: central
hub: hub.example.org:7440
credentials: /var/lib/entrepot-agent/central/credentials
driver: { type: rbd, conf: /etc/ceph/ceph.conf, client: images, pool: images, keyring: $CREDENTIALS_DIRECTORY/keyring }
listen: { transfer: "0.0.0.0:7442", http: "192.0.2.1:7443" }
http: { open: [metrics] }
transfer_address: central.example.org:7442
`,
    );
    vi.stubEnv('CREDENTIALS_DIRECTORY', '/run/credentials/entrepot-agent@central.service');
    try {
      expect(await loadAgentConfig(file)).toMatchObject({
        credentials: '/var/lib/entrepot-agent/central/credentials',
        driver: { keyring: '/run/credentials/entrepot-agent@central.service/keyring' },
        listen: { transfer: { host: '0.0.0.0', port: 7442 } },
        http: { tls: true, open: ['metrics'] },
        transferAddress: 'central.example.org:7442',
      });
    } finally {
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true });
    }
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
