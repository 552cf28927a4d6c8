import { Refusal } from '../domain/refusal.ts';
import type { Log } from '../telemetry/log.ts';
import type { Certificate } from '../trust/certificate.ts';
import { type Credentials, loadCredentials } from '../trust/credentials.ts';
import { type Identity, isSameIdentity, nameOf } from '../trust/identity.ts';
import { saveCredentials } from './enrolment.ts';

/**
 * Who this agent is: the newest credentials in its folder. They change when it renews its certificate,
 * and when somebody has it join anew while it runs.
 */
export class OwnCredentials {
  readonly folder: string;
  readonly identity: Identity;
  readonly #listeners: ((credentials: Credentials) => void)[] = [];
  #current: Credentials;
  /** Why the folder could not be read the last time: said once. */
  #trouble: string | undefined;

  private constructor(folder: string, identity: Identity, current: Credentials) {
    this.folder = folder;
    this.identity = identity;
    this.#current = current;
  }

  /**
   * Reads the folder. NOT_FOUND or INVALID, with what to do, when it holds no credentials of the
   * store's agent. An expired certificate is read all the same: a new one may come.
   */
  static async load(folder: string, storeId: string): Promise<OwnCredentials> {
    const identity: Identity = { kind: 'store', storeId };
    return new OwnCredentials(folder, identity, await read(folder, identity));
  }

  get current(): Credentials {
    return this.#current;
  }

  /** Called with new ones, in the order of registration; a listener that throws keeps the old ones in use. */
  onChange(listener: (credentials: Credentials) => void): void {
    this.#listeners.push(listener);
  }

  /** Takes what is in the folder when it is something new. What cannot be read is said once, in the log. */
  async reload(log: Log): Promise<void> {
    try {
      const found = await read(this.folder, this.identity);
      this.#trouble = undefined;
      if (isSame(found, this.#current)) return;
      log.info(fieldsOf(found.certificate), 'found new credentials in the folder');
      this.#change(found);
    } catch (error) {
      const { code, message, hint } = Refusal.from(error);
      if (message !== this.#trouble) log.warn({ code, hint }, `credentials stay as they were: ${message}`);
      this.#trouble = message;
    }
  }

  /** Keeps new ones: on disk first, then in use. */
  async replace(credentials: Credentials): Promise<void> {
    await saveCredentials(this.folder, credentials);
    this.#change(credentials);
  }

  /** UNAUTHENTICATED, with what to do, when the certificate is past its end. */
  requireValid(nowMs: number): void {
    const { notAfterMs } = this.#current.certificate;
    if (nowMs <= notAfterMs) return;
    throw new Refusal(
      'UNAUTHENTICATED',
      `the certificate of this agent expired at ${new Date(notAfterMs).toISOString()}`,
      { hint: howToJoin(this.identity) },
    );
  }

  #change(credentials: Credentials): void {
    for (const listener of this.#listeners) listener(credentials);
    this.#current = credentials;
  }
}

/** For logs. */
export function fieldsOf({ fingerprint, notAfterMs }: Certificate) {
  return { fingerprint, expiresAt: new Date(notAfterMs).toISOString() };
}

async function read(folder: string, identity: Identity): Promise<Credentials> {
  const credentials = await loadCredentials(folder).catch((error: unknown) => {
    const { code, message, hint } = Refusal.from(error);
    throw new Refusal(code, message, { hint: hint ?? howToJoin(identity), cause: error });
  });
  const { identity: found } = credentials.certificate;
  if (isSameIdentity(found, identity)) return credentials;
  throw new Refusal(
    'INVALID',
    `${folder}: the certificate is that of ${nameOf(found)}, not of ${nameOf(identity)}`,
    {
      hint: `set \`store\` and \`credentials\` in the configuration of the agent, or: ${howToJoin(identity)}`,
    },
  );
}

function howToJoin(identity: Identity): string {
  const storeId = identity.kind === 'store' ? identity.storeId : 'ID';
  return `\`entrepot store add ${storeId}\` at the hub prints a token; then here: \`entrepot agent join\` with it`;
}

function isSame(one: Credentials, other: Credentials): boolean {
  return one.certificate.fingerprint === other.certificate.fingerprint && one.caPem === other.caPem;
}
