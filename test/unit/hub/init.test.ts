import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Catalogue } from '../../../src/catalogue/catalogue.ts';
import { initHub } from '../../../src/hub/init.ts';
import { readBundle } from '../../../src/trust/certificate.ts';
import { type Credentials, loadCredentials } from '../../../src/trust/credentials.ts';
import { writePublic, writeSecret } from '../../../src/trust/files.ts';
import { HUB } from '../../../src/trust/identity.ts';
import { TestAuthority } from '../../trust/test-authority.ts';
import { TestOrganisation } from '../../trust/test-organisation.ts';
import { refusalOf, TestHub } from './test-hub.ts';

let hub: TestHub;
let request: Parameters<typeof initHub>[0];
beforeEach(async () => {
  hub = await TestHub.configure();
  request = { config: hub.config, operatorName: 'alice', operatorFolder: hub.operatorFolder };
});
afterEach(() => hub[Symbol.asyncDispose]());

const modeOf = async (file: string) => ((await stat(file)).mode & 0o777).toString(8);

/** All files of the hub and of the operator, with what is in them. */
async function files(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const folder of [hub.config.credentials, hub.operatorFolder]) {
    for (const name of await readdir(folder).catch(() => [])) {
      found[join(folder, name)] = await readFile(join(folder, name), 'utf8');
    }
  }
  return found;
}

function operators() {
  using catalogue = Catalogue.open(hub.config.catalogue);
  return catalogue.operators.all().map(({ name, role }) => {
    const credentials = catalogue.credentials.ofSubject(`operator/${name}`);
    return { name, role, credentials: credentials.map(({ kind, hash }) => ({ kind, hash })) };
  });
}

test('makes an authority, the hub and an admin, with keys for nobody else to read', async () => {
  const { made } = await initHub(request);
  const own = hub.config.credentials;
  const ca = join(own, 'ca.pem');
  expect(made).toEqual([
    join(own, 'ca.key'),
    ca,
    join(own, 'identity.pem'),
    join(hub.operatorFolder, 'ca.pem'),
    join(hub.operatorFolder, 'identity.pem'),
  ]);
  const modes = await Promise.all([own, ...made, hub.operatorFolder].map(modeOf));
  expect(modes).toEqual(['700', '600', '644', '600', '644', '600', '700']);
  expect((await loadCredentials(own)).certificate.identity).toEqual(HUB);
  const alice = await loadCredentials(hub.operatorFolder);
  expect(alice.certificate.identity).toEqual({ kind: 'operator', name: 'alice' });
  expect(alice.caPem).toBe(await readFile(ca, 'utf8'));
  expect(operators()).toEqual([
    {
      name: 'alice',
      role: 'admin',
      credentials: [{ kind: 'certificate', hash: alice.certificate.fingerprint }],
    },
  ]);
});

test('a second time changes nothing', async () => {
  await initHub(request);
  const before = await files();
  expect(await initHub(request)).toEqual({ made: [] });
  expect(await files()).toEqual(before);
  expect(operators()).toHaveLength(1);
});

test.each([0, 1, 2, 3, 4, 5])('killed after %i files, the same command finishes it', async (survivors) => {
  let left = survivors;
  const dying =
    (write: typeof writeSecret): typeof writeSecret =>
    async (file, text) => {
      if (left-- === 0) throw new Error('killed');
      await write(file, text);
    };
  const first = initHub(request, { writeSecret: dying(writeSecret), writePublic: dying(writePublic) });
  if (survivors < 5) await expect(first).rejects.toThrow('killed');
  await first.catch(() => undefined);
  const kept = await files();
  expect(Object.keys(kept)).toHaveLength(survivors);
  const { made } = await initHub(request);
  // A key of an authority that has no certificate never signed anything, and is made anew.
  expect(made).toHaveLength(survivors === 1 ? 5 : 5 - survivors);
  if (survivors !== 1) expect(await files()).toMatchObject(kept);
  await hub.up();
  expect((await loadCredentials(hub.operatorFolder)).certificate.identity).toMatchObject({ name: 'alice' });
  await hub.down();
  expect(operators()).toHaveLength(1);
});

test('killed before the catalogue knew the operator, the certificate it has is recorded', async () => {
  await initHub(request);
  await rm(hub.config.catalogue);
  expect(await initHub(request)).toEqual({ made: [] });
  const { certificate } = await loadCredentials(hub.operatorFolder);
  expect(operators()).toMatchObject([{ name: 'alice', credentials: [{ hash: certificate.fingerprint }] }]);
});

test('another folder for the same operator gets a certificate of its own: a way back in', async () => {
  await initHub(request);
  const operatorFolder = join(hub.folder, 'elsewhere');
  await initHub({ ...request, operatorFolder });
  expect((await readdir(operatorFolder)).sort()).toEqual(['ca.pem', 'identity.pem']);
  expect(operators()[0]?.credentials).toHaveLength(2);
});

describe('is refused, and overwrites nothing,', () => {
  const refused = async (given = request) => {
    const before = await files();
    const refusal = await refusalOf(initHub(given));
    expect(await files()).toEqual(before);
    return refusal;
  };

  test("when the operator's folder is another operator's", async () => {
    await initHub(request);
    const { code, message } = await refused({ ...request, operatorName: 'bob' });
    expect(code).toBe('CONFLICT');
    expect(message).toContain('credentials of operator alice');
  });

  test("when the operator's folder is of another cloud, before there is anything of this one", async () => {
    await mkdir(hub.operatorFolder, { recursive: true });
    await writeFile(join(hub.operatorFolder, 'ca.pem'), (await TestAuthority.create()).caPem);
    expect(await refused()).toMatchObject({ code: 'CONFLICT' });
    expect(await readdir(hub.folder)).not.toContain('hub');
  });

  test("when the operator's folder is of another cloud", async () => {
    await initHub(request);
    const other = await TestAuthority.create();
    const { chainPem, privateKeyPem } = await other.credentials({ kind: 'operator', name: 'alice' });
    await writeFile(join(hub.operatorFolder, 'identity.pem'), privateKeyPem + chainPem);
    const { code, message } = await refused();
    expect(code).toBe('CONFLICT');
    expect(message).toContain('another cloud');
    await writeFile(join(hub.operatorFolder, 'ca.pem'), other.caPem);
    expect((await refused()).message).toContain('another cloud');
  });

  test('when the certificate of the authority is gone, and its key has signed', async () => {
    await initHub(request);
    await rm(join(hub.config.credentials, 'ca.pem'));
    expect(await refused()).toMatchObject({ code: 'CONFLICT' });
    await rm(join(hub.config.credentials, 'identity.pem'));
    expect(await refused()).toMatchObject({ code: 'CONFLICT' });
  });

  test('when the operator is no admin, or not any more', async () => {
    await initHub(request);
    {
      using catalogue = Catalogue.open(hub.config.catalogue);
      catalogue.transact(() => catalogue.operators.add('carl', 'member'));
      catalogue.transact(() => catalogue.operators.revoke('alice'));
    }
    const operatorFolder = join(hub.folder, 'carl');
    const { message } = await refused({ ...request, operatorName: 'carl', operatorFolder });
    expect(message).toContain('carl is member, not admin');
    expect((await refused()).message).toContain('alice was revoked');
  });

  test('when what the operator has was revoked, or has expired', async () => {
    await initHub(request);
    const later = Date.now() + 91 * 86_400_000;
    const expired = await refusalOf(initHub(request, { writeSecret, writePublic }, () => later));
    expect(expired).toMatchObject({ code: 'CONFLICT' });
    expect(expired.message).toContain('have expired');
    {
      using catalogue = Catalogue.open(hub.config.catalogue);
      const [first] = catalogue.credentials.ofSubject('operator/alice');
      catalogue.transact(() => catalogue.credentials.revoke(first?.id ?? ''));
    }
    expect((await refused()).message).toContain('were revoked');
  });

  test('while the hub runs', async () => {
    await initHub(request);
    await hub.up();
    expect(await refused()).toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('with an authority of the organisation', () => {
  let organisation: TestAuthority;
  beforeEach(async () => {
    organisation = await TestAuthority.create('an organisation');
    await mkdir(hub.config.credentials, { recursive: true, mode: 0o700 });
    await writePublic(join(hub.config.credentials, 'ca.pem'), organisation.caPem);
  });

  const putIdentity = async () => {
    const { privateKeyPem, chainPem } = await organisation.credentials(HUB);
    await writeSecret(join(hub.config.credentials, 'identity.pem'), privateKeyPem + chainPem);
  };

  test('asks for a certificate of the hub', async () => {
    const refusal = await refusalOf(initHub(request));
    expect(refusal.code).toBe('CONFLICT');
    expect(refusal.hint).toContain('spiffe://entrepot/hub');
  });

  test('makes no authority, and no operator without a certificate', async () => {
    await putIdentity();
    const refusal = await refusalOf(initHub(request));
    expect(refusal.code).toBe('NOT_FOUND');
    expect(refusal.message).toContain(join(hub.operatorFolder, 'identity.pem'));
    expect(refusal.hint).toContain('spiffe://entrepot/operator/alice');
    expect(operators()).toEqual([]);
    expect(existsSync(hub.operatorFolder)).toBe(false);
    expect(await readdir(hub.config.credentials)).not.toContain('ca.key');
  });

  test("takes a certificate of the organisation in the operator's folder", async () => {
    await putIdentity();
    const alice = await organisation.credentials({ kind: 'operator', name: 'alice' });
    await mkdir(hub.operatorFolder, { recursive: true, mode: 0o700 });
    await writeSecret(join(hub.operatorFolder, 'identity.pem'), alice.privateKeyPem + alice.chainPem);
    const { made } = await initHub(request);
    expect(made).toEqual([join(hub.operatorFolder, 'ca.pem')]);
    expect(operators()).toMatchObject([{ credentials: [{ hash: alice.certificate.fingerprint }] }]);
  });

  describe('that has others below it', () => {
    let root: TestOrganisation;
    let below: TestOrganisation;
    beforeEach(async () => {
      root = await TestOrganisation.create();
      below = await (await root.below('upper')).below('lower');
      await writePublic(join(hub.config.credentials, 'ca.pem'), root.rootPem);
    });

    const putHub = ({ privateKeyPem, chainPem }: Credentials) =>
      writeSecret(join(hub.config.credentials, 'identity.pem'), privateKeyPem + chainPem);

    const putAlice = async ({ privateKeyPem, chainPem }: Credentials) => {
      await mkdir(hub.operatorFolder, { recursive: true, mode: 0o700 });
      await writeSecret(join(hub.operatorFolder, 'identity.pem'), privateKeyPem + chainPem);
    };

    test('takes what they issued, and starts with it', async () => {
      await putHub(await below.credentials(HUB));
      const alice = await below.credentials({ kind: 'operator', name: 'alice' });
      await putAlice(alice);
      await initHub(request);
      expect(operators()).toMatchObject([{ credentials: [{ hash: alice.certificate.fingerprint }] }]);
      await hub.up();
    });

    test("takes no operator's certificate that only those it came with have issued", async () => {
      await putHub(await below.credentials(HUB));
      const stranger = await (await TestOrganisation.create()).below('lower');
      await putAlice(await stranger.credentials({ kind: 'operator', name: 'alice' }));
      const refusal = await refusalOf(initHub(request));
      expect(refusal.code).toBe('CONFLICT');
      expect(refusal.message).toContain('credentials of another cloud');
      expect(operators()).toEqual([]);
    });

    test('does not start with a certificate of the hub that agents would not believe', async () => {
      const { chainPem, ...rest } = await below.credentials(HUB);
      const [leaf = ''] = readBundle(chainPem).map(String);
      await putHub({ ...rest, chainPem: leaf });
      const refusal = await refusalOf(initHub(request));
      expect(refusal.code).toBe('INVALID');
      expect(refusal.message).toBe(
        `${join(hub.config.credentials, 'identity.pem')}: the certificate of the hub does not lead to an authority in ca.pem`,
      );
      expect(refusal.hint).toContain('its issuer');
      expect(await refusalOf(hub.up())).toMatchObject({ code: 'INVALID' });
    });
  });
});
