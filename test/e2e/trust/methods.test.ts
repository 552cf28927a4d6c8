import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Authority } from '../../../src/trust/authority.ts';
import { type Credentials, loadCredentials } from '../../../src/trust/credentials.ts';
import { type Identity, uriOf } from '../../../src/trust/identity.ts';
import { Cloud } from '../../cloud/cloud.ts';
import { issueBy } from '../../cloud/forge.ts';
import { rawClient, type Shown } from '../../cloud/raw-client.ts';
import { type ReflectedMethod, reflectMethods } from '../../cloud/reflection.ts';
import { agentConfig } from '../helpers-file.ts';

/**
 * Who may call what, in full:
 *   yes     past every check of who asks: what the answer is to an empty request does not matter
 *   no      known, and lacks the right
 *   who     not known (any more)
 *   ticket  known, and without a ticket for it
 *   token   anybody, and without a join token
 *   task    known, and without a task for it
 */
type Verdict = 'yes' | 'no' | 'who' | 'ticket' | 'token' | 'task';

const WHO = [
  'nobody',
  'reader',
  'member',
  'admin',
  'dcn0',
  'hub',
  'token',
  'revoked',
  'expired',
  'unknown',
] as const;
type Who = (typeof WHO)[number];

const HUB_METHODS: Readonly<Record<string, string>> = {
  //                                          nobody reader member admin  dcn0   hub    token  revoked expired unknown
  '/entrepot.v1.Agents/Attach':
    '             who    no     no     no     yes    no     no     who     who     who',
  '/entrepot.v1.Agents/GetManifest':
    '        who    no     no     no     yes    no     no     who     who     who',
  '/entrepot.v1.Agents/PullUpload':
    '         who    no     no     no     yes    no     no     who     who     who',
  '/entrepot.v1.Agents/PutManifest':
    '        who    no     no     no     task   no     no     who     who     who',
  '/entrepot.v1.Enrolment/Join':
    '            yes    yes    yes    yes    yes    yes    yes    who     who     who',
  '/entrepot.v1.Enrolment/Renew':
    '           who    yes    yes    yes    yes    no     no     who     who     who',
  '/entrepot.v1.Events/List':
    '               who    yes    no     yes    no     no     yes    who     who     who',
  '/entrepot.v1.Images/AddMember':
    '          who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/BeginUpload':
    '        who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/Copy':
    '               who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/Create':
    '             who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/Deactivate':
    '         who    no     no     yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/Delete':
    '             who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/DeleteCopy':
    '         who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/Download':
    '           who    yes    yes    yes    no     no     yes    who     who     who',
  '/entrepot.v1.Images/ExamineAdopt':
    '         who    no     no     yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/Get':
    '                who    yes    yes    yes    no     no     yes    who     who     who',
  '/entrepot.v1.Images/Import':
    '             who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/List':
    '               who    yes    yes    yes    no     no     yes    who     who     who',
  '/entrepot.v1.Images/ListAdoptable':
    '         who    no     no     yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/ListLocations':
    '      who    yes    yes    yes    no     no     yes    who     who     who',
  '/entrepot.v1.Images/ListMembers':
    '        who    yes    yes    yes    no     no     yes    who     who     who',
  '/entrepot.v1.Images/Reactivate':
    '         who    no     no     yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/RemoveMember':
    '       who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/SetMember':
    '          who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/Stage':
    '             who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/Update':
    '             who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Images/Upload':
    '             who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Jobs/Cancel':
    '               who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Jobs/Get':
    '                  who    yes    yes    yes    no     no     yes    who     who     who',
  '/entrepot.v1.Jobs/List':
    '                 who    yes    yes    yes    no     no     yes    who     who     who',
  '/entrepot.v1.Jobs/Pause':
    '                who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Jobs/Resume':
    '               who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Jobs/SetRate':
    '              who    no     yes    yes    no     no     no     who     who     who',
  '/entrepot.v1.Jobs/Watch':
    '                who    yes    yes    yes    no     no     yes    who     who     who',
  '/entrepot.v1.Operators/Add':
    '             who    no     no     yes    no     no     no     who     who     who',
  '/entrepot.v1.Operators/IssueCertificate':
    'who    no     no     yes    no     no     no     who     who     who',
  '/entrepot.v1.Operators/IssueToken':
    '      who    no     no     yes    no     no     no     who     who     who',
  '/entrepot.v1.Operators/List':
    '            who    yes    yes    yes    no     no     yes    who     who     who',
  '/entrepot.v1.Operators/Revoke':
    '          who    no     no     yes    no     no     no     who     who     who',
  '/entrepot.v1.Operators/WhoAmI':
    '          who    yes    yes    yes    yes    yes    yes    who     who     who',
  '/entrepot.v1.Stores/Add':
    '                who    no     no     yes    no     no     no     who     who     who',
  '/entrepot.v1.Stores/List':
    '               who    yes    yes    yes    no     no     yes    who     who     who',
  '/entrepot.v1.Stores/Pause':
    '              who    no     no     yes    no     no     no     who     who     who',
  '/entrepot.v1.Stores/Remove':
    '             who    no     no     yes    no     no     no     who     who     who',
  '/entrepot.v1.Stores/Resume':
    '             who    no     no     yes    no     no     no     who     who     who',
  '/entrepot.v1.Stores/Revoke':
    '             who    no     no     yes    no     no     no     who     who     who',
  '/entrepot.v1.Stores/Set':
    '                who    no     no     yes    no     no     no     who     who     who',
  '/grpc.health.v1.Health/Check':
    '           who    yes    yes    yes    yes    yes    yes    who     who     who',
  '/grpc.health.v1.Health/List':
    '            who    yes    yes    yes    yes    yes    yes    who     who     who',
  '/grpc.health.v1.Health/Watch':
    '           who    yes    yes    yes    yes    yes    yes    who     who     who',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo':
    '                                         who    yes    yes    yes    yes    yes    yes    who     who     who',
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo':
    '                                         who    yes    yes    yes    yes    yes    yes    who     who     who',
};

/** At an agent there are no tokens; who was revoked at the hub is known there by its certificate, and has no ticket. */
const AGENT_METHODS: Readonly<Record<string, string>> = {
  //                                          nobody reader member admin  dcn0   hub    token  revoked expired unknown
  '/entrepot.v1.Transfer/Pull':
    '             who    no     no     no     ticket ticket who    no      who     no',
  '/entrepot.v1.Transfer/Push':
    '             who    no     no     no     ticket ticket who    no      who     no',
  '/entrepot.v1.Transfer/Renew':
    '            who    no     no     no     ticket ticket who    no      who     no',
  '/grpc.health.v1.Health/Check':
    '           who    yes    yes    yes    yes    yes    who    yes     who     yes',
  '/grpc.health.v1.Health/List':
    '            who    yes    yes    yes    yes    yes    who    yes     who     yes',
  '/grpc.health.v1.Health/Watch':
    '           who    yes    yes    yes    yes    yes    who    yes     who     yes',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo':
    '                                         who    yes    yes    yes    yes    yes    who    yes     who     yes',
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo':
    '                                         who    yes    yes    yes    yes    yes    who    yes     who     yes',
};

/** What the reflection service serves and does not name. */
const REFLECTION: readonly ReflectedMethod[] = ['v1', 'v1alpha'].map((version) => ({
  path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
  requestStream: true,
  responseStream: true,
}));

interface Caller {
  readonly shown: Shown;
  readonly bearer?: string;
}

let cloud: Cloud;
let callers: Readonly<Record<Who, Caller>>;

beforeAll(async () => {
  cloud = await Cloud.start({ storeIds: ['central', 'dcn0'] });
  callers = await makeCallers();
}, 120_000);
afterAll(async () => {
  await cloud?.[Symbol.asyncDispose]();
});

const PORTS = [
  { name: 'the hub', table: HUB_METHODS, address: () => cloud.hubAddress },
  {
    name: 'an agent',
    table: AGENT_METHODS,
    address: () => (agentConfig(cloud, 'central')['listen'] as { transfer: string }).transfer,
  },
] as const;

describe.each(PORTS)('$name', ({ table, address }) => {
  test('serves the methods of the table and no others', async () => {
    using client = rawClient(address(), callers.admin.shown);
    const served = [...(await reflectMethods(client)), ...REFLECTION].map(({ path }) => path);
    expect([...new Set(served)].sort()).toEqual(Object.keys(table).sort());
  });

  test.each(WHO)('gives %s what the table says', async (who) => {
    using asking = rawClient(address(), callers.admin.shown);
    const methods = [...(await reflectMethods(asking)), ...REFLECTION];
    const got: Record<string, Verdict> = {};
    // New connections have a rate. But one that is refused must not be what the next call meets.
    const mayBeRefused = who === 'nobody' || who === 'expired';
    using shared = rawClient(address(), callers[who].shown);
    for (const method of methods) {
      using own = mayBeRefused ? rawClient(address(), callers[who].shown) : undefined;
      got[method.path] = await verdict(own ?? shared, method, callers[who].bearer);
    }
    const column = WHO.indexOf(who);
    const wanted = Object.entries(table).map(([path, row]) => [path, row.trim().split(/ +/)[column]]);
    expect(got).toEqual(Object.fromEntries(wanted));
  });
});

/** Calls the method with one empty message, and reads the answer only as far as who may call it. */
async function verdict(client: Client, method: ReflectedMethod, bearer?: string): Promise<Verdict> {
  const metadata = new Metadata();
  if (bearer !== undefined) metadata.set('authorization', `Bearer ${bearer}`);
  const same = (bytes: Buffer) => bytes;
  const call = client.makeBidiStreamRequest(method.path, same, same, metadata, {
    deadline: Date.now() + 15_000,
  });
  const { code, details } = await new Promise<Pick<StatusObject, 'code' | 'details'>>((resolve) => {
    // An answer: it was let in. An endless one is left.
    call.on('data', () => resolve({ code: status.OK, details: '' }));
    call.on('status', resolve);
    call.on('error', () => undefined);
    call.write(Buffer.alloc(0));
    call.end();
  });
  call.cancel();
  if (code === status.RESOURCE_EXHAUSTED) {
    // Who is not known may ask ten times a second.
    await delay(200);
    return await verdict(client, method, bearer);
  }
  switch (code) {
    case status.PERMISSION_DENIED:
      return details.includes('taking an image in') ? 'task' : 'no';
    case status.UNAUTHENTICATED:
      if (details.includes('join token')) return 'token';
      return details.includes('ticket') ? 'ticket' : 'who';
    case status.UNAVAILABLE:
      // TLS itself asked for a certificate, or did not like it.
      return 'who';
    case status.DEADLINE_EXCEEDED:
      throw new Error(`${method.path} did not answer`);
    default:
      return 'yes';
  }
}

async function makeCallers(): Promise<Record<Who, Caller>> {
  const { caPem } = await cloud.operator();
  const operators = { reader: 'ro', member: 'alice', revoked: 'mallory' } as const;
  const folders: Record<string, string> = {};
  for (const [who, name] of Object.entries(operators)) {
    const folder = join(cloud.folder, `operator-${name}`);
    folders[who] = folder;
    const role = who === 'reader' ? 'reader' : 'member';
    await ok('operator', 'add', name, '--role', role, '--operator-credentials', folder);
  }
  const tokenFolder = join(cloud.folder, 'operator-probe');
  await ok(
    'operator',
    'add',
    'probe',
    '--role',
    'reader',
    '--api-token',
    '--operator-credentials',
    tokenFolder,
  );
  await ok('operator', 'revoke', operators.revoked);
  const authority = await Authority.open({
    certificatePem: caPem,
    privateKeyPem: await readFile(join(cloud.credentialsOf('hub'), 'ca.key'), 'utf8'),
  });
  const forged = (identity: Identity, options = {}) => issueBy(authority, identity, options);
  const shown = async (folder: string): Promise<Caller> => ({ shown: await loadCredentials(folder) });
  return {
    nobody: { shown: { caPem } },
    reader: await shown(folders['reader'] ?? ''),
    member: await shown(folders['member'] ?? ''),
    admin: { shown: await cloud.operator() },
    dcn0: await shown(cloud.credentialsOf('dcn0')),
    hub: await shown(cloud.credentialsOf('hub')),
    token: { shown: { caPem }, bearer: (await readFile(join(tokenFolder, 'token'), 'utf8')).trim() },
    revoked: await shown(folders['revoked'] ?? ''),
    expired: {
      shown: await forged({ kind: 'operator', name: 'admin' }, { nowMs: Date.now() - 100 * 86_400_000 }),
    },
    unknown: { shown: await forged({ kind: 'operator', name: 'nobody-added-me' }) },
  };
}

async function ok(...args: string[]): Promise<void> {
  const { exitCode, stderr } = await cloud.cli(...args);
  if (exitCode !== 0) throw new Error(`entrepot ${args.join(' ')}: ${stderr}`);
}

test('the callers of the table are who they say', () => {
  const named = (shown: Shown) =>
    'certificate' in shown ? uriOf((shown as Credentials).certificate.identity) : '';
  expect(Object.fromEntries(WHO.map((who) => [who, named(callers[who].shown)]))).toEqual({
    nobody: '',
    reader: 'spiffe://entrepot/operator/ro',
    member: 'spiffe://entrepot/operator/alice',
    admin: 'spiffe://entrepot/operator/admin',
    dcn0: 'spiffe://entrepot/store/dcn0',
    hub: 'spiffe://entrepot/hub',
    token: '',
    revoked: 'spiffe://entrepot/operator/mallory',
    expired: 'spiffe://entrepot/operator/admin',
    unknown: 'spiffe://entrepot/operator/nobody-added-me',
  });
});
