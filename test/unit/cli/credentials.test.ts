import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { createApiToken } from '../../../src/trust/secret-token.ts';
import { FakeHub, Folder, start } from './run.ts';
import { DAY_MS, store } from './samples.ts';

const list = ['store', 'list'];

let hub: FakeHub;
beforeAll(async () => {
  hub = await FakeHub.with({ Stores: { List: async () => ({ stores: [store()] }) } });
});
afterAll(() => hub[Symbol.asyncDispose]());

/** A folder as alice has it, to be spoilt. */
function ofAlice(folder: string): Promise<string> {
  return hub.folderOf({ kind: 'operator', name: 'alice' }, { folder });
}

describe('a command shows the hub', () => {
  it('the certificate of its folder', async () => {
    const { code, stderr } = await hub.start(...list).outcome;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { certificate, bearer } = hub.presented.at(-1) ?? {};
    expect([certificate?.identity, bearer]).toEqual([{ kind: 'operator', name: 'alice' }, undefined]);
  });

  it('the API token of its folder', async () => {
    const token = createApiToken();
    expect(await hub.runAs(await hub.folderWithToken('robot', token), ...list)).toMatchObject({ code: 0 });
    expect(hub.presented.at(-1)).toMatchObject({ certificate: undefined, bearer: token });
  });

  it('the token, when there is a certificate beside it', async () => {
    const token = createApiToken();
    await hub.folderWithToken('both', token);
    expect(await hub.runAs(await ofAlice('both'), ...list)).toMatchObject({ code: 0 });
    expect(hub.presented.at(-1)?.bearer).toBe(token);
  });
});

describe('credentials that are not there', () => {
  const hint =
    'hint: name their folder with --credentials or ENTREPOT_CREDENTIALS; `entrepot hub init` at the hub makes the ' +
    'first ones, and an admin makes others with `entrepot operator add NAME --role ROLE`\n';

  it('are told with what to do, and no hub is asked', async () => {
    const asked = hub.presented.length;
    expect(await hub.runAs('/nowhere/at/all', ...list)).toEqual({
      code: 5,
      stdout: '',
      stderr: `entrepot: no credentials in /nowhere/at/all: /nowhere/at/all/ca.pem: there is no such file\n${hint}`,
    });
    expect(hub.presented.length).toBe(asked);
  });

  it('are an error for a script', async () => {
    const { stderr } = await hub.runAs('/nowhere', ...list, '-o', 'json');
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'UNAUTHENTICATED',
      request_id: null,
      exit_code: 5,
    });
  });

  it('are looked for at home unless they are named', async () => {
    await using home = await Folder.make();
    const { code, stderr } = await start(list, { HOME: home.path }).outcome;
    expect(code).toBe(5);
    expect(stderr).toContain(`no credentials in ${home.path}/.config/entrepot: `);
    await using cloud = await FakeHub.with({ Stores: { List: async () => ({ stores: [] }) } });
    const named = { HOME: home.path, ENTREPOT_HUB: cloud.address, ENTREPOT_CREDENTIALS: cloud.credentials };
    expect(await start(list, named).outcome).toMatchObject({ code: 0 });
    // What is typed counts for more than what the environment says.
    expect(await start([...list, '--credentials', '/nowhere'], named).outcome).toMatchObject({ code: 5 });
  });

  it('or only in part', async () => {
    const folder = await ofAlice('part');
    await rm(join(folder, 'identity.pem'));
    const { code, stderr } = await hub.runAs(folder, ...list);
    expect(code).toBe(5);
    expect(stderr).toContain(`no credentials in ${folder}: ${folder}/identity.pem: there is no such file\n`);
  });
});

describe('credentials that are not good', () => {
  it('because everybody can read them', async () => {
    const folder = await ofAlice('open');
    await chmod(join(folder, 'identity.pem'), 0o644);
    expect(await hub.runAs(folder, ...list)).toEqual({
      code: 2,
      stdout: '',
      stderr:
        `entrepot: ${folder}/identity.pem: everybody on this machine can read or change it\n` +
        `hint: chmod 600 ${folder}/identity.pem\n`,
    });
  });

  it('because the file cannot be read', async () => {
    const folder = await ofAlice('unreadable');
    await rm(join(folder, 'identity.pem'));
    await mkdir(join(folder, 'identity.pem'));
    expect(await hub.runAs(folder, ...list)).toMatchObject({
      code: 2,
      stderr: `entrepot: ${folder}/identity.pem: cannot be read (EISDIR)\n`,
    });
  });

  it('because the token is none', async () => {
    const { code, stderr } = await hub.runAs(await hub.folderWithToken('none', 'hunter2'), ...list);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /none\/token: holds no API token\nhint: `entrepot operator issue NAME --api-token` /,
    );
    expect(stderr).not.toContain('hunter2');
  });

  it('because they are no certificate', async () => {
    const folder = await ofAlice('text');
    await writeFile(join(folder, 'ca.pem'), 'hello');
    expect(await hub.runAs(folder, ...list)).toMatchObject({
      code: 2,
      stderr: `entrepot: ${folder}/ca.pem: holds no certificate in PEM form\n`,
    });
  });

  it('because they have expired: no hub is asked', async () => {
    const nowMs = Date.now() - 91 * DAY_MS;
    const folder = await hub.folderOf({ kind: 'operator', name: 'late' }, { nowMs });
    const { code, stderr } = await hub.runAs(folder, ...list, '--hub', '127.0.0.1:1');
    expect(code).toBe(5);
    expect(stderr).toMatch(/^entrepot: the certificate of operator late in \S+ expired 20\S+ \S+Z\n/);
    expect(stderr).toContain(
      'hint: ask an admin for new credentials: `entrepot operator issue late` makes them',
    );
    expect(stderr).not.toContain('request id');
  });
});

describe('a certificate past two thirds of its life', () => {
  const aged = (days: number) =>
    hub.folderOf(
      { kind: 'operator', name: 'bob' },
      { nowMs: Date.now() - days * DAY_MS, folder: `bob-${days}` },
    );

  it('is told to people on stderr, with the command that renews it', async () => {
    const { code, stdout, stderr } = await hub.runAs(await aged(61), ...list);
    expect(code).toBe(0);
    expect(stdout).toContain('central');
    expect(stderr).toMatch(
      /^the certificate of operator bob ends 20\S+ \S+Z; `entrepot operator issue bob` renews it\n$/,
    );
  });

  it('is not told to a script, nor before that', async () => {
    expect(await hub.runAs(await aged(61), ...list, '-o', 'json')).toMatchObject({ code: 0, stderr: '' });
    expect(await hub.runAs(await aged(59), ...list)).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('a hub that is not believed', () => {
  it('because another authority signed its certificate', async () => {
    await using stranger = await FakeHub.with({});
    const { code, stderr } = await hub.runAs(stranger.credentials, ...list);
    expect(code).toBe(5);
    expect(stderr).toMatch(/^entrepot: the certificate of the hub .* was not signed by .*\nhint: /);
  });

  it('because it is an agent', async () => {
    await using agent = await FakeHub.with({}, { kind: 'store', storeId: 'dcn0' });
    const { code, stderr } = await agent.run(...list);
    expect(code).toBe(5);
    expect(stderr).toMatch(/store.dcn0/);
    expect(agent.presented).toEqual([]);
  });
});

it('a hub that does not believe the caller says so', async () => {
  await using stranger = await FakeHub.with({});
  await copyFile(join(hub.credentials, 'ca.pem'), join(stranger.credentials, 'ca.pem'));
  const asked = hub.presented.length;
  const { code, stderr } = await hub.runAs(stranger.credentials, ...list);
  expect(code).toBe(5);
  expect(stderr).toMatch(/^entrepot: .*certificate.*\nhint: .*entrepot operator issue/);
  expect(hub.presented.length).toBe(asked);
});

it('a refusal of the hub is told as it is', async () => {
  await using strict = await FakeHub.with({
    Operators: {
      List: async () => {
        throw new Refusal(
          'FORBIDDEN',
          'alice (reader) may not call Operators.List: it needs the role admin',
          {
            hint: 'ask an admin',
          },
        );
      },
    },
  });
  expect(await strict.run('operator', 'list', '--request-id', 'r-1')).toEqual({
    code: 5,
    stdout: '',
    stderr:
      'entrepot: alice (reader) may not call Operators.List: it needs the role admin\nhint: ask an admin\nrequest id: r-1\n',
  });
});
