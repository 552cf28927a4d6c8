import { createPublicKey } from 'node:crypto';
import { Authority, type IssueOptions } from '../../src/trust/authority.ts';
import { type Credentials, parseCredentials } from '../../src/trust/credentials.ts';
import type { Identity } from '../../src/trust/identity.ts';
import { createPrivateKeyPem } from '../../src/trust/keys.ts';

/** A certificate authority for tests, in memory. */
export class TestAuthority {
  readonly caPem: string;
  readonly authority: Authority;

  private constructor(authority: Authority) {
    this.authority = authority;
    this.caPem = authority.certificatePem;
  }

  static async create(name = 'a test cloud'): Promise<TestAuthority> {
    return new TestAuthority(await Authority.open(await Authority.create(name)));
  }

  /** A new key with its certificate. `nowMs` in the past and a short `lifetimeMs` make one that has expired. */
  async credentials(identity: Identity, options: IssueOptions = {}): Promise<Credentials> {
    const privateKeyPem = createPrivateKeyPem();
    const publicKey = createPublicKey(privateKeyPem).export({ type: 'spki', format: 'der' });
    const chainPem = await this.authority.issue(identity, publicKey, options);
    return parseCredentials(this.caPem, `${privateKeyPem}${chainPem}`);
  }

  /** One that expired an hour ago. */
  expired(identity: Identity): Promise<Credentials> {
    return this.credentials(identity, { nowMs: Date.now() - 3 * 3_600_000, lifetimeMs: 2 * 3_600_000 });
  }
}
