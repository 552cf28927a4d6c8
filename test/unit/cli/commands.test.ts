import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createProgram, type Program } from '../../../src/cli/program.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { gate } from '../rpc/harness.ts';
import { entrepot, FakeHub, start } from './run.ts';
import {
  copy,
  endedJob,
  IMAGE_ID,
  image,
  JOB_ID,
  job,
  OTHER_JOB_ID,
  progress,
  queuedJob,
  store,
  task,
} from './samples.ts';

type Command = Program['command'];

const nowhere = { write: () => true };
const notRun = async () => {
  throw new Error('not run here');
};
const daemons = { runHub: notRun, initHub: notRun, runAgent: notRun, joinAgent: notRun };

describe('store list', () => {
  const stores = [
    store(),
    store({
      id: 'dcn0',
      role: 'edge',
      online: false,
      onlineSinceMs: 0,
      presentCopies: 0,
      fsid: '',
      pool: '',
      driver: '',
    }),
  ];

  it('shows every store', async () => {
    await using hub = await FakeHub.with({ Stores: { List: async () => ({ stores }) } });
    expect(await hub.start('store', 'list').outcome).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'STORE    ROLE     DRIVER  STATE   SINCE                 RATE  COPIES   FREE   SIZE  POOL    FSID\n',
        'central  central  rbd     online  2026-11-20 12:00:00Z  off        3  3 GiB  4 GiB  images  a7f64266-0894-4f1e-a635-d0aeaca0e993\n',
        'dcn0     edge     -       away    2026-11-20 12:00:01Z  off        0  3 GiB  4 GiB  -       -\n',
      ].join(''),
    });
  });

  it('shows a store that was cut off, whatever else it was', async () => {
    const revoked = [store({ id: 'dcn1', role: 'edge', online: false, revoked: true })];
    await using hub = await FakeHub.with({ Stores: { List: async () => ({ stores: revoked }) } });
    expect((await hub.run('store', 'list')).stdout).toContain('dcn1   edge  rbd     revoked  ');
    expect(JSON.parse((await hub.run('store', 'list', '-o', 'json')).stdout)).toMatchObject([
      { revoked: true, certificate_expires_at: '2026-12-20T12:00:00.000Z' },
    ]);
  });

  it('is JSON for a script, wherever -o stands', async () => {
    await using hub = await FakeHub.with({ Stores: { List: async () => ({ stores }) } });
    const [after, before] = await Promise.all([
      hub.run('store', 'list', '-o', 'json'),
      hub.run('--output=json', 'store', 'list'),
    ]);
    expect(JSON.parse(after.stdout)).toMatchObject([
      { id: 'central', online: true },
      { id: 'dcn0', fsid: null },
    ]);
    expect(before).toEqual(after);
  });
});

describe('image list', () => {
  it('asks for page after page, and for no more than it was told', async () => {
    const asked: string[] = [];
    const ids = Array.from(
      { length: 700 },
      (_, index) => `3f0a2c84-6d1e-4b7a-9c55-${String(index).padStart(12, '0')}`,
    );
    await using hub = await FakeHub.with({
      Images: {
        List: async ({ limit, marker, name }) => {
          asked.push(`${limit} ${marker.slice(-3)} ${name}`);
          const from = ids.indexOf(marker) + 1;
          const page = ids.slice(from, from + limit);
          // Some of the images in between are deleted, a page of them all.
          const images = from === 500 && limit === 200 ? [] : page.map((id) => image({ id }));
          return { images, nextMarker: from + limit < ids.length ? (page.at(-1) ?? '') : '' };
        },
      },
    });
    const all = await hub.run('image', 'list');
    expect(all.stdout.split('\n').length - 2).toBe(700);
    expect(asked.splice(0)).toEqual(['500  ', '500 499 ']);
    const some = await hub.run('image', 'list', '--limit', '3', '--name', 'debian');
    expect(some.stdout.split('\n').length - 2).toBe(3);
    expect(asked).toEqual(['3  debian']);
  });

  it('goes on after a page that is empty', async () => {
    const pages = [
      { images: [], nextMarker: OTHER_JOB_ID },
      { images: [image()], nextMarker: '' },
    ];
    await using hub = await FakeHub.with({ Images: { List: async () => pages.shift() ?? {} } });
    expect((await hub.run('image', 'list')).stdout).toContain(IMAGE_ID);
  });

  it('names the stores', async () => {
    const copies = [copy(), copy({ storeId: 'dcn0', state: 'copying', progress: progress() })];
    await using hub = await FakeHub.with({
      Images: { List: async () => ({ images: [image({ copies, name: 'a\x1b[31mb' })], nextMarker: '' }) },
    });
    expect((await hub.run('image', 'list', '--stores')).stdout).toBe(
      [
        'ID                                    NAME          STATUS     SIZE    DATA  STORES\n',
        `${IMAGE_ID}  a\\u001b[31mb  active  256 MiB  64 MiB  central, dcn0 (copying 50%)\n`,
      ].join(''),
    );
    expect((await hub.run('image', 'list')).stdout).not.toContain('\x1b');
  });

  it('ends quietly when its reader has enough', async () => {
    const images = Array.from({ length: 400 }, () => image({ name: 'x'.repeat(200) }));
    await using hub = await FakeHub.with({ Images: { List: async () => ({ images, nextMarker: '' }) } });
    const { child, outcome } = hub.start('image', 'list', '--limit', '400');
    child.stdout?.destroy();
    expect(await outcome).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('image show and image locations', () => {
  it('show the record and each copy', async () => {
    const copies = [
      copy(),
      copy({ storeId: 'dcn0', state: 'copying', verifiedAtMs: 0, progress: progress() }),
      copy({ storeId: 'dcn1', state: 'failed', verifiedAtMs: 0, reason: 'the pool is full' }),
    ];
    const shown = image({
      copies,
      properties: { os_distro: 'debian' },
      tags: ['golden'],
      osGlanceImportingToStores: ['dcn0'],
      osGlanceFailedImport: ['dcn1'],
    });
    await using hub = await FakeHub.with({ Images: { Get: async () => shown } });
    expect((await hub.run('image', 'show', IMAGE_ID.toUpperCase())).stdout).toBe(
      [
        `id                             ${IMAGE_ID}`,
        'name                           debian-13',
        'status                         active',
        'visibility                     private',
        'owner                          operator',
        'protected                      no',
        'hidden                         no',
        'disk format                    raw',
        'container format               bare',
        'size                           256 MiB (268435456 bytes)',
        'virtual size                   256 MiB (268435456 bytes)',
        'data                           64 MiB (67108864 bytes)',
        'checksum                       0cc175b9c0f1b6a831c399e269772661',
        'os_hash_algo                   sha512',
        `os_hash_value                  ${'cd'.repeat(64)}`,
        `root                           ${'ab'.repeat(32)}`,
        'tags                           golden',
        'property os_distro             debian',
        'created                        2026-11-20 12:00:00Z',
        'updated                        2026-11-20 12:00:01Z',
        'os_glance_importing_to_stores  dcn0',
        'os_glance_failed_import        dcn1',
        '',
        'STORE    STATE    PHASE                  DONE      RATE  LEFT  VERIFIED              REASON',
        'central  present                                               2026-11-20 12:00:00Z',
        'dcn0     copying  transferring  50% of 64 MiB  16 MiB/s   2 s',
        'dcn1     failed                                                                      the pool is full',
        '',
      ].join('\n'),
    );
  });

  it('show where it can be booted from', async () => {
    const locations = [
      { url: 'rbd://f/images/i/snap', storeId: 'central', verifiedRoot: 'ab', verifiedAtMs: 0 },
    ];
    await using hub = await FakeHub.with({ Images: { ListLocations: async () => ({ locations }) } });
    expect((await hub.run('image', 'locations', IMAGE_ID)).stdout).toBe(
      'STORE    VERIFIED  URL\ncentral            rbd://f/images/i/snap\n',
    );
  });
});

describe('image copy', () => {
  it('says the place in the queue and what is before it', async () => {
    const asked: unknown[] = [];
    await using hub = await FakeHub.with({
      Images: {
        Copy: async (request) => {
          asked.push(request);
          return { job: queuedJob(), joined: false };
        },
      },
    });
    const outcome = await hub.run(
      'image',
      'copy',
      IMAGE_ID,
      '--stores',
      'dcn0,dcn1',
      '--all-stores-must-succeed',
      '--lane',
      'demand',
    );
    expect(asked).toEqual([
      {
        imageId: IMAGE_ID,
        storeIds: ['dcn0', 'dcn1'],
        allStores: false,
        allStoresMustSucceed: true,
        lane: 'demand',
      },
    ]);
    expect(outcome).toEqual({
      code: 0,
      stderr: '',
      stdout:
        `job ${JOB_ID} (copy) is queued, 1 before it: ${OTHER_JOB_ID} (import, running)\n` +
        `follow it: entrepot job watch ${JOB_ID}\n`,
    });
  });

  it('says that it joined a job, or that there was nothing to do', async () => {
    await using hub = await FakeHub.with({
      Images: {
        Copy: async ({ allStores }) => (allStores ? { joined: false } : { job: job(), joined: true }),
      },
    });
    const [joined, nothing, json] = await Promise.all([
      hub.run('image', 'copy', IMAGE_ID, '--stores', 'dcn0'),
      hub.run('image', 'copy', IMAGE_ID, '--all-stores'),
      hub.run('image', 'copy', IMAGE_ID, '--all-stores', '--wait', '-o', 'json'),
    ]);
    expect(joined.stdout).toMatch(/^joined a job that is doing this already\njob .* is running\n/);
    expect(nothing).toMatchObject({
      code: 0,
      stdout: `nothing to do: every store holds image ${IMAGE_ID}\n`,
    });
    expect(JSON.parse(json.stdout)).toEqual({ job: null, joined: false });
  });

  it.each([
    [endedJob(), 0, ''],
    [
      endedJob({ state: 'partial', reason: 'dcn1: the pool is full', reasonCode: 'NO_SPACE' }),
      10,
      'did not reach all stores: dcn1',
    ],
    [
      endedJob({ state: 'failed', reason: 'dcn0: the pool is full', reasonCode: 'NO_SPACE' }),
      7,
      'failed: dcn0: the pool is full',
    ],
    [endedJob({ state: 'cancelled' }), 9, 'was cancelled'],
  ])('--wait shows the job and ends with its outcome: %#', async (ended, code, message) => {
    await using hub = await FakeHub.with({
      Images: { Copy: async () => ({ job: queuedJob(), joined: false }) },
      Jobs: {
        Watch: async (_request, write) => {
          await write(job());
          await write(ended);
        },
      },
    });
    const outcome = await hub.run('image', 'copy', IMAGE_ID, '--all-stores', '--wait');
    expect(outcome.code).toBe(code);
    expect(outcome.stdout).toContain(`state         ${ended.state}\n`);
    expect(outcome.stderr).toContain('dcn0 transferring 50%');
    if (message !== '') expect(outcome.stderr).toContain(`entrepot: job ${JOB_ID} ${message}`);
  });

  it('goes on watching when the hub is started anew', async () => {
    let calls = 0;
    await using hub = await FakeHub.with({
      Jobs: {
        Get: async () => job(),
        Watch: async (_request, write) => {
          calls += 1;
          if (calls === 1) throw new Refusal('UNAVAILABLE', 'hub is stopping');
          await write(endedJob());
        },
      },
    });
    const { code, stderr } = await hub.run('job', 'watch', JOB_ID);
    expect({ code, calls }).toEqual({ code: 0, calls: 2 });
    expect(stderr).toContain('hub is stopping; the job goes on, and so does this wait');
  });

  it('goes on watching after the hub had long nothing to tell', async () => {
    let calls = 0;
    await using hub = await FakeHub.with({
      Jobs: {
        Get: async () => job(),
        Watch: async (_request, write) => {
          calls += 1;
          await write(calls === 1 ? queuedJob() : endedJob());
          if (calls > 1) return;
          await new Promise((resolve) => setTimeout(resolve, 1200));
          throw new Refusal('UNAVAILABLE', 'hub is stopping');
        },
      },
    });
    const { code } = await hub.run('job', 'watch', JOB_ID, '--timeout', '1');
    expect({ code, calls }).toEqual({ code: 0, calls: 2 });
  });

  it('gives a wait up when the hub stays away', async () => {
    await using hub = await FakeHub.with({
      Jobs: {
        Get: async () => job(),
        Watch: async () => {
          throw new Refusal('UNAVAILABLE', 'hub is stopping');
        },
      },
    });
    const outcome = await hub.run('job', 'watch', JOB_ID, '--timeout', '1');
    expect(outcome.code).toBe(6);
    expect(outcome.stderr).toContain(
      `entrepot: hub is stopping\nhint: the job goes on without us; \`entrepot job watch ${JOB_ID}\` shows it again\n`,
    );
  });
});

describe('Ctrl-C in a wait', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s leaves the job running and says how to go on', async (signal, code) => {
    const watching = gate();
    const cancelled: string[] = [];
    await using hub = await FakeHub.with({
      Jobs: {
        Get: async () => job(),
        Cancel: async ({ jobId }) => {
          cancelled.push(jobId);
          return job();
        },
        Watch: async (_request, write, context) => {
          await write(job());
          watching.open();
          await once(context.signal, 'abort');
        },
      },
    });
    const { child, outcome } = hub.start('job', 'watch', JOB_ID);
    await Promise.race([watching.opened, outcome]);
    child.kill(signal);
    const { code: exitCode, stderr } = await outcome;
    expect(exitCode).toBe(code);
    expect(stderr).toContain(
      `entrepot: interrupted; job ${JOB_ID} goes on\n` +
        `hint: \`entrepot job watch ${JOB_ID}\` shows it again, \`entrepot job cancel ${JOB_ID}\` stops it\n`,
    );
    expect(cancelled).toEqual([]);
  });
});

describe('deleting', () => {
  it('ends with the outcome of the job that was waited for', async () => {
    const failed = endedJob({
      kind: 'delete',
      state: 'failed',
      reason: 'a clone came',
      reasonCode: 'IN_USE',
    });
    await using hub = await FakeHub.with({
      Images: { Delete: async () => failed, DeleteCopy: async () => failed },
      Jobs: { Get: async () => failed },
    });
    for (const args of [
      ['image', 'delete', IMAGE_ID, '--wait'],
      ['image', 'delete-copy', IMAGE_ID, '--store', 'dcn0', '--wait'],
      ['job', 'watch', JOB_ID],
    ]) {
      const { code, stderr } = await hub.run(...args);
      expect({ args, code }).toEqual({ args, code: 4 });
      expect(stderr).toContain(`entrepot: job ${JOB_ID} failed: a clone came\n`);
    }
  });

  it('starts a job, or waits for its end', async () => {
    const asked: unknown[] = [];
    const deletion = job({ kind: 'delete-copy' });
    await using hub = await FakeHub.with({
      Images: {
        DeleteCopy: async (request) => {
          asked.push(request);
          return deletion;
        },
        Delete: async (request) => {
          asked.push(request);
          return endedJob({ kind: 'delete' });
        },
      },
    });
    expect((await hub.run('image', 'delete-copy', IMAGE_ID, '--store', 'dcn0')).stdout).toContain(
      `job ${JOB_ID} (delete-copy) is running\n`,
    );
    const deleted = await hub.run('image', 'delete', IMAGE_ID, '--wait', '-o', 'json');
    expect(JSON.parse(deleted.stdout)).toMatchObject({ kind: 'delete', state: 'succeeded' });
    expect(asked).toEqual([{ imageId: IMAGE_ID, storeId: 'dcn0' }, { imageId: IMAGE_ID }]);
  });
});

describe('jobs', () => {
  it('are listed, shown and cancelled', async () => {
    const asked: unknown[] = [];
    await using hub = await FakeHub.with({
      Jobs: {
        List: async (request) => {
          asked.push(request);
          return { jobs: [queuedJob({ reason: 'waits' }), job({ cancelRequested: true })] };
        },
        Get: async () =>
          job({
            tasks: [task(), task({ storeId: 'dcn1', state: 'waiting', reason: 'away', progress: null })],
          }),
        Cancel: async () => job({ cancelRequested: true }),
      },
    });
    const list = await hub.run('job', 'list', '--image', IMAGE_ID, '--all', '--limit', '7');
    expect(asked).toEqual([{ imageId: IMAGE_ID, all: true, limit: 7 }]);
    expect(list.stdout).toBe(
      [
        'ID                                    KIND  IMAGE                                 STATE                 PLACE  LANE    RATE  STORES  CREATED               REASON\n',
        `${JOB_ID}  copy  ${IMAGE_ID}  queued                    1  normal  off   dcn0    2026-11-20 12:00:00Z  waits\n`,
        `${JOB_ID}  copy  ${IMAGE_ID}  running (cancelling)      -  normal  off   dcn0    2026-11-20 12:00:00Z\n`,
      ].join(''),
    );
    expect((await hub.run('job', 'show', JOB_ID)).stdout).toBe(
      [
        `id            ${JOB_ID}`,
        'kind          copy',
        `image         ${IMAGE_ID}`,
        'state         running',
        'lane          normal',
        'stores        dcn0',
        'traffic       32 MiB received, 32 MiB on the wire',
        'requested by  operator',
        'request id    req-1',
        'created       2026-11-20 12:00:00Z',
        'started       2026-11-20 12:00:01Z',
        '',
        'dcn0 transferring 50%, 32 MiB of 64 MiB, 16 MiB/s, 2 s left, 32 MiB on the wire, 192 MiB holes',
        'dcn1 waiting: away',
        '',
      ].join('\n'),
    );
    expect((await hub.run('job', 'cancel', JOB_ID)).stdout).toBe(`job ${JOB_ID} (copy) is being cancelled\n`);
  });
});

describe('failures', () => {
  it('of the hub are told with hint, rule and request id, and are an exit code', async () => {
    const refusal = new Refusal('IN_USE', 'clones depend on it', { hint: 'flatten them', rule: 'R8' });
    const seen: unknown[] = [];
    await using hub = await FakeHub.with({
      Images: {
        DeleteCopy: async (_request, { requestId }) => {
          seen.push(requestId);
          throw refusal;
        },
      },
    });
    const args = ['image', 'delete-copy', IMAGE_ID, '--store', 'dcn0', '--request-id', 'deploy-7'];
    expect(await hub.start(...args).outcome).toEqual({
      code: 4,
      stdout: '',
      stderr: 'entrepot: clones depend on it (rule R8)\nhint: flatten them\nrequest id: deploy-7\n',
    });
    const json = await hub.run(...args, '-o', 'json');
    expect(json).toMatchObject({ code: 4, stdout: '' });
    expect(JSON.parse(json.stderr).error).toMatchObject({
      code: 'IN_USE',
      request_id: 'deploy-7',
      exit_code: 4,
    });
    expect(seen).toEqual(['deploy-7', 'deploy-7']);
  });

  it('every command has a request id of its own', async () => {
    const seen = new Set<string>();
    await using hub = await FakeHub.with({
      Stores: {
        List: async (_request, { requestId }) => {
          seen.add(requestId);
          throw new Refusal('INTERNAL', 'boom');
        },
      },
    });
    const [one, two] = await Promise.all([hub.run('store', 'list'), hub.run('store', 'list')]);
    expect(seen.size).toBe(2);
    for (const { stderr } of [one, two]) {
      expect([...seen]).toContain(/request id: (\S+)/.exec(stderr)?.[1]);
    }
  });

  it('a hub that is not there is named', async () => {
    await using hub = await FakeHub.with({});
    const { code, stderr } = await hub.run('store', 'list', '--hub', '127.0.0.1:1');
    expect(code).toBe(6);
    expect(stderr).toMatch(
      /^entrepot: cannot reach the hub at 127\.0\.0\.1:1: connection refused\nhint: is it running \(`entrepot hub --config FILE`\), and is this its address/,
    );
  });

  it('a hub that does not answer is not waited for', async () => {
    await using hub = await FakeHub.with({ Stores: { List: () => new Promise(() => {}) } });
    const { code, stderr } = await hub.run('store', 'list', '--timeout', '1');
    expect(code).toBe(6);
    expect(stderr).toContain('did not answer within 1000 ms');
  });

  const mistakes: [string, string[], string, string][] = [
    [
      'unknown command',
      ['image', 'lst'],
      "unknown command 'lst'",
      'Did you mean list? `entrepot image --help` shows how',
    ],
    [
      'unknown option',
      ['job', 'list', '--al'],
      "unknown option '--al'",
      'Did you mean --all? `entrepot job list --help` shows how',
    ],
    [
      'missing option',
      ['image', 'upload', '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10'],
      "required option '--file <path>' not specified",
      '`entrepot image upload --help` shows how',
    ],
    [
      'missing argument',
      ['image', 'show'],
      "missing required argument 'image-id'",
      '`entrepot image show --help` shows how',
    ],
    [
      'too many arguments',
      ['store', 'list', 'dcn0'],
      "too many arguments for 'list'. Expected 0 arguments but got 1: dcn0.",
      '`entrepot store list --help` shows how',
    ],
    [
      'two ways at once',
      ['image', 'copy', IMAGE_ID, '--stores', 'a', '--all-stores'],
      "option '--all-stores' cannot be used with option '--stores <ids>'",
      '`entrepot image copy --help` shows how',
    ],
    [
      'not a UUID',
      ['image', 'show', 'debian'],
      "image id 'debian' is not a UUID",
      'a UUID looks like 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10; `entrepot image list` shows them',
    ],
    ['no store', ['image', 'copy', IMAGE_ID], 'no store was named', 'give --stores A,B or --all-stores'],
    [
      'no configuration',
      ['hub'],
      "required option '--config <file>' not specified",
      '`entrepot hub --help` shows how',
    ],
    [
      'no configuration to begin with',
      ['hub', 'init'],
      "required option '--config <file>' not specified",
      '`entrepot hub init --help` shows how',
    ],
    [
      'unknown role',
      ['operator', 'add', 'bob', '--role', 'root'],
      "option '--role <role>' argument 'root' is invalid. Allowed choices are admin, member, reader.",
      '`entrepot operator add --help` shows how',
    ],
    [
      'no role',
      ['operator', 'add', 'bob'],
      "required option '--role <role>' not specified",
      '`entrepot operator add --help` shows how',
    ],
    [
      'unknown role of a store',
      ['store', 'add', 'dcn0', '--role', 'member'],
      "option '--role <role>' argument 'member' is invalid. Allowed choices are central, edge.",
      '`entrepot store add --help` shows how',
    ],
    [
      'name of an operator',
      ['operator', 'issue', 'Bob'],
      "operator name 'Bob' is not valid",
      'lower-case letters, digits, dots, dashes and underscores, at most 63',
    ],
    [
      'duration',
      ['store', 'add', 'dcn0', '--token-lifetime', '1week'],
      "life of a token '1week' is not a duration",
      'seconds, minutes, hours or days, as in 90s, 15m, 24h, 90d; at most 3650d',
    ],
    [
      'life of a certificate',
      ['operator', 'issue', 'bob', '--expires', '90d'],
      '--expires is for API tokens',
      'add --api-token; how long certificates live is a setting of the hub (certificates.operator_lifetime_seconds)',
    ],
    [
      'form',
      ['store', 'list', '-o', 'yaml'],
      "option '-o, --output <form>' argument 'yaml' is invalid. Allowed choices are table, json.",
      '`entrepot store list --help` shows how',
    ],
  ];
  it.each(mistakes)('%s: told without asking the hub, exit code 2', async (_, args, message, hint) => {
    expect(await entrepot(...args)).toEqual({
      code: 2,
      stdout: '',
      stderr: `entrepot: ${message}\nhint: ${hint}\n`,
    });
  });

  it('a mistake is JSON for a script too', async () => {
    const { code, stderr } = await entrepot('image', 'lst', '-o', 'json');
    expect(code).toBe(2);
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'INVALID',
      message: "unknown command 'lst'",
      request_id: null,
    });
  });

  it('a wrong address in the environment is a mistake as well', async () => {
    const { code, stderr } = await start(['store', 'list'], { ENTREPOT_HUB: 'hub' }).outcome;
    expect(code).toBe(2);
    expect(stderr).toContain("'hub' is not the address of a hub");
  });
});

describe('help', () => {
  const commands = [...commandsOf(createProgram({ stdout: nowhere, stderr: nowhere }, daemons).command)];

  it.each(commands)('of %j has an example, and goes to stdout', async (...words) => {
    const command = words.filter(Boolean);
    const { code, stdout, stderr } = await entrepot(...command, '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`Examples?:\\n  \\$ entrepot ${command.join(' ')}`));
  });

  it('of every command is on the page', async () => {
    const page = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    const leaves = commands.filter((one) => !commands.some((other) => other !== one && isPrefix(one, other)));
    expect(leaves.length).toBeGreaterThan(20);
    const missing = leaves.filter((one) => !rows.some((row) => row.startsWith(`| \`${one.join(' ')}`)));
    expect(missing).toEqual([]);
  });

  it('of a group without a command is a mistake', async () => {
    const { code, stdout, stderr } = await entrepot('image');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: entrepot image [options] [command]');
  });

  it('tells the version', async () => {
    expect((await entrepot('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

/** The words of every command: `[]`, `['hub']`, `['hub', 'init']` ... */
function* commandsOf(command: Command, words: readonly string[] = []): Generator<string[]> {
  yield [...words];
  for (const one of command.commands) yield* commandsOf(one, [...words, one.name()]);
}

function isPrefix(one: readonly string[], other: readonly string[]): boolean {
  return one.length < other.length && one.every((word, index) => word === other[index]);
}
