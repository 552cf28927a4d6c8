import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { Authority } from '../../../src/trust/authority.ts';
import { parseCredentials } from '../../../src/trust/credentials.ts';
import { HUB, type Identity } from '../../../src/trust/identity.ts';
import { createPrivateKeyPem } from '../../../src/trust/keys.ts';
import { createRequest, publicKeyOfRequest } from '../../../src/trust/request.ts';
import {
  requireSigner,
  requireTicketFor,
  TICKET_LIFETIME_MS,
  type Ticket,
  TicketIssuer,
  TicketReader,
} from '../../../src/trust/ticket.ts';
import * as x509 from '../../../src/trust/x509.ts';
import { rsaKeys, TestOrganisation } from '../../trust/test-organisation.ts';

const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
const DCN0: Identity = { kind: 'store', storeId: 'dcn0' };
const DCN1: Identity = { kind: 'store', storeId: 'dcn1' };
const NOW_MS = Date.now();
const SKEW_MS = 30_000;

const TICKET: Omit<Ticket, 'expiresAtMs'> = {
  taskId: 'task-1',
  attempt: 1,
  imageId: IMAGE,
  action: 'pull',
  holder: DCN0,
  atStoreId: 'central',
};

async function cloud() {
  const files = await Authority.create('Entrepot');
  const authority = await Authority.open(files);
  const credentials = async (identity: Identity) => {
    const key = createPrivateKeyPem();
    const publicKey = await publicKeyOfRequest(await createRequest(key));
    return parseCredentials(files.certificatePem, key + (await authority.issue(identity, publicKey)));
  };
  return { files, credentials };
}

const here = await cloud();
const issuer = new TicketIssuer(await here.credentials(HUB));
const reader = new TicketReader(here.files.certificatePem);
const good = issuer.issue(TICKET, NOW_MS);

function refused(text: string, nowMs = NOW_MS, by = reader): string {
  try {
    by.read(text, nowMs);
  } catch (error) {
    const { code, message } = Refusal.from(error);
    return `${code} ${message}`;
  }
  return 'it was taken';
}

describe('a ticket', () => {
  it('comes back as it was issued', () => {
    expect(reader.read(good, NOW_MS)).toEqual({ ...TICKET, expiresAtMs: NOW_MS + TICKET_LIFETIME_MS });
  });

  it('names the job its bytes are for, and none for a download', () => {
    const jobId = 'job-1';
    expect(reader.read(issuer.issue({ ...TICKET, jobId }, NOW_MS), NOW_MS).jobId).toBe(jobId);
    expect(reader.read(good, NOW_MS).jobId).toBeUndefined();
    const odd = issuer.issue({ ...TICKET, jobId: 7 as unknown as string }, NOW_MS);
    expect(refused(odd)).toBe('UNAUTHENTICATED the ticket is of another version');
  });

  it('fits into the metadata of a call', () => {
    expect(good.length).toBeLessThan(2000);
    expect(good).toMatch(/^[A-Za-z0-9._-]+$/);
  });

  it('lives for minutes, give or take the skew of two clocks', () => {
    const endMs = NOW_MS + TICKET_LIFETIME_MS;
    expect(refused(good, endMs + SKEW_MS)).toBe('it was taken');
    expect(refused(good, endMs + SKEW_MS + 1)).toBe('UNAUTHENTICATED the ticket has expired');
    expect(refused(good, NOW_MS - SKEW_MS)).toBe('it was taken');
    expect(refused(good, NOW_MS - SKEW_MS - 1)).toBe('UNAUTHENTICATED the ticket is of a time to come');
  });

  it('of a hub of another cloud is refused', async () => {
    const elsewhere = await cloud();
    const foreign = new TicketIssuer(await elsewhere.credentials(HUB)).issue(TICKET, NOW_MS);
    expect(refused(foreign)).toBe('UNAUTHENTICATED the ticket was not signed by the hub of this cloud');
  });

  it('that a store or an operator of this cloud signed is refused', async () => {
    for (const identity of [DCN0, { kind: 'operator', name: 'root' } as const]) {
      const forged = new TicketIssuer(await here.credentials(identity)).issue(TICKET, NOW_MS);
      expect(refused(forged)).toBe('UNAUTHENTICATED the ticket was not signed by the hub of this cloud');
    }
  });

  it("that carries the hub's certificate over another's signature is refused", async () => {
    const forged = new TicketIssuer(await here.credentials(DCN0)).issue(TICKET, NOW_MS);
    const [payload, signature] = forged.split('.');
    const spliced = [payload, signature, good.split('.')[2]].join('.');
    expect(refused(spliced)).toBe('UNAUTHENTICATED the ticket was not signed by the hub, or was changed');
  });

  it('with the content of another ticket is refused', () => {
    const other = issuer.issue({ ...TICKET, holder: DCN1 }, NOW_MS).split('.');
    const mixed = [other[0], ...good.split('.').slice(1)].join('.');
    expect(refused(mixed)).toBe('UNAUTHENTICATED the ticket was not signed by the hub, or was changed');
  });

  it('survives no change of any byte', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 127 }), (at, flip) => {
        const changed = String.fromCharCode(good.charCodeAt(at) ^ flip);
        const text = good.slice(0, at) + changed + good.slice(at + 1);
        // The last character of a part may carry bits that mean nothing.
        const same = text.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex'));
        const before = good.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex'));
        fc.pre(same.join('.') !== before.join('.'));
        expect(refused(text)).toMatch(/^UNAUTHENTICATED the ticket /);
      }),
    );
  });

  it('that is any text at all is refused in words', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ minLength: 13_000, maxLength: 14_000 })), (text) => {
        expect(refused(text)).toMatch(/^UNAUTHENTICATED the ticket /);
      }),
    );
  });
});

describe('what a ticket is for', () => {
  const use = { action: 'pull', imageId: IMAGE, holder: DCN0, atStoreId: 'central' } as const;
  const ticket = reader.read(good, NOW_MS);

  it('is taken for exactly that', () => {
    expect(() => requireTicketFor(ticket, use)).not.toThrow();
  });

  it.each([
    ['another holder', { holder: DCN1 }, 'the ticket is that of store dcn0, not of store dcn1'],
    ['the hub', { holder: HUB }, 'the ticket is that of store dcn0, not of the hub'],
    ['another store', { atStoreId: 'dcn1' }, 'the ticket is for store central, not for dcn1'],
    [
      'another image',
      { imageId: 'ffffffff-6d1e-4b7a-9c55-0d8f6e2b7a10' },
      `the ticket is for image ${IMAGE}, not for ffffffff-6d1e-4b7a-9c55-0d8f6e2b7a10`,
    ],
    ['another direction', { action: 'push' }, 'the ticket is for a pull, not for a push'],
  ] as const)('refuses %s', (_name, change, sentence) => {
    expect(() => requireTicketFor(ticket, { ...use, ...change })).toThrow(sentence);
  });
});

describe('a ticket of a hub whose certificate an organisation issued', () => {
  const NOT_OURS = 'UNAUTHENTICATED the ticket was not signed by the hub of this cloud';
  const HOUR_MS = 3_600_000;

  /** What becomes of a ticket where the root of `root` is believed. */
  async function outcome(by: TestOrganisation, root: TestOrganisation, nowMs = Date.now()): Promise<string> {
    const ticket = new TicketIssuer(await by.credentials(HUB)).issue(TICKET, nowMs);
    return refused(ticket, nowMs, new TicketReader(root.rootPem));
  }

  function unfit(credentials: Parameters<typeof requireSigner>[0], nowMs = Date.now()): Refusal | undefined {
    try {
      requireSigner(credentials, nowMs);
      return undefined;
    } catch (error) {
      return Refusal.from(error);
    }
  }

  it('is taken with none, one, two and three authorities between', async () => {
    const root = await TestOrganisation.create();
    let by = root;
    for (const name of ['upper', 'middle', 'lower', 'lowest']) {
      expect(await outcome(by, root)).toBe('it was taken');
      expect(unfit(await by.credentials(HUB))).toBe(undefined);
      by = await by.below(name);
    }
    expect(await outcome(by, root)).toBe('UNAUTHENTICATED the ticket holds too many certificates');
    expect(unfit(await by.credentials(HUB))).toMatchObject({
      code: 'INVALID',
      message: 'the certificates from that of the hub to ca.pem do not fit into a ticket',
      hint: expect.stringContaining('they are 5'),
    });
    // What who checks it has anyway is left out.
    const shorter = await by.credentials(HUB, `${root.rootPem}${by.ownPem}`);
    expect(unfit(shorter)).toBe(undefined);
    expect(new TicketIssuer(shorter).issue(TICKET, NOW_MS).split('.')).toHaveLength(2 + 4);
  });

  const tls = x509.ExtendedKeyUsage;
  const nameConstraints = new x509.Extension('2.5.29.30', true, Buffer.from('3000', 'hex'));
  it.each([
    ['is no authority', { isAuthority: false }],
    ['may sign no certificates', { maySign: false }],
    ['has expired', { endsAtMs: NOW_MS - HOUR_MS }],
    ['is one for mail', { extensions: [new x509.ExtendedKeyUsageExtension([tls.emailProtection])] }],
    ['is one for certain names', { extensions: [nameConstraints] }],
  ] as const)('is refused when one between %s, and so are the credentials', async (_name, options) => {
    const root = await TestOrganisation.create();
    const below = await root.below('below', options);
    const last = await below.below('last');
    for (const by of [below, last]) {
      expect(await outcome(by, root)).toBe(NOT_OURS);
      const { code, message } = unfit(await by.credentials(HUB)) ?? {};
      expect(code).toBe('INVALID');
      expect(message).toBe('the certificate of the hub does not lead to an authority in ca.pem');
    }
  });

  it('is taken when one between is said to be for TLS', async () => {
    const root = await TestOrganisation.create();
    const purposes = new x509.ExtendedKeyUsageExtension([tls.serverAuth, tls.emailProtection]);
    expect(await outcome(await root.below('below', { extensions: [purposes] }), root)).toBe('it was taken');
  });

  it('is refused when those between lead to somebody else, also of the same name', async () => {
    const root = await TestOrganisation.create();
    const stranger = await TestOrganisation.create();
    expect(await outcome(await stranger.below('below'), root)).toBe(NOT_OURS);
    // With a certificate of ours behind, which signed none of those before it.
    const forged = new TicketIssuer(await (await stranger.below('below')).credentials(HUB)).issue(
      TICKET,
      NOW_MS,
    );
    const ours = Buffer.from(new X509Certificate((await root.below('below')).ownPem).raw).toString(
      'base64url',
    );
    expect(refused(`${forged}.${ours}`, NOW_MS, new TicketReader(root.rootPem))).toBe(NOT_OURS);
  });

  it('is refused when a store or an operator stands between', async () => {
    const root = await TestOrganisation.create();
    const store = await root.below('spiffe://entrepot/store/dcn0', { isAuthority: false });
    expect(await outcome(store, root)).toBe(NOT_OURS);
    const forged = new TicketIssuer(await root.credentials(DCN0)).issue(TICKET, NOW_MS);
    expect(refused(forged, NOW_MS, new TicketReader(root.rootPem))).toBe(NOT_OURS);
  });

  it('is good for no longer than the first that ends of all that tie it to ca.pem', async () => {
    const root = await TestOrganisation.create();
    const endsAtMs = NOW_MS + HOUR_MS;
    const below = await root.below('below', { endsAtMs });
    const hub = await below.credentials(HUB);
    const by = new TicketReader(root.rootPem);
    const read = (nowMs: number) => refused(new TicketIssuer(hub).issue(TICKET, nowMs), nowMs, by);
    expect(read(NOW_MS)).toBe('it was taken');
    // Known by now, and looked at again all the same.
    expect(read(endsAtMs + 1000)).toBe(NOT_OURS);
    expect(unfit(hub, endsAtMs + 1000)?.code).toBe('INVALID');
  });

  it('may have keys as long as RSA of 4096 bits', async () => {
    const root = await TestOrganisation.create('an organisation with a longer name', rsaKeys(4096));
    const lower = await (await root.below('one that issues to others')).below('one that issues to machines');
    const ticket = new TicketIssuer(await lower.credentials(HUB)).issue(TICKET, NOW_MS);
    expect(ticket.length).toBeLessThan(8 * 1024);
    expect(refused(ticket, NOW_MS, new TicketReader(root.rootPem))).toBe('it was taken');
    expect(unfit(await lower.credentials(HUB))).toBe(undefined);
  });

  it('whose certificates are too long is refused, which the hub is told at its start', async () => {
    const root = await TestOrganisation.create();
    const extensions = [new x509.Extension('1.2.3.4', false, Buffer.alloc(9 * 1024, 7))];
    const below = await root.below('below', { extensions });
    expect(await outcome(below, root)).toBe('UNAUTHENTICATED the ticket is too long');
    expect(unfit(await below.credentials(HUB))?.message).toContain('do not fit into a ticket');
  });

  it('cannot be signed with every key that TLS takes, which the hub is told at its start', async () => {
    const ed25519 = () => generateKeyPairSync('ed25519');
    const privateKeyPem = ed25519().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(unfit({ ...(await here.credentials(HUB)), privateKeyPem })).toMatchObject({
      code: 'INVALID',
      message: 'the key of the hub cannot sign tickets',
      hint: expect.stringContaining('ECDSA'),
    });
  });
});

it('a hub whose certificate is not valid now may start: it renews it, or says so', async () => {
  const hub = await here.credentials(HUB);
  for (const nowMs of [NOW_MS - 3_600_000, NOW_MS, NOW_MS + 400 * 86_400_000]) {
    expect(() => requireSigner(hub, nowMs)).not.toThrow();
  }
});
