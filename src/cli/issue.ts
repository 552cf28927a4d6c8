import { realpath } from 'node:fs/promises';
import type { Command } from 'commander';
import { Refusal } from '../domain/refusal.ts';
import type { CredentialsTarget } from './credentials-target.ts';
import { durationSeconds } from './options.ts';
import { formatTime } from './output/units.ts';
import type { Session } from './session.ts';
import { shellWord } from './shell-word.ts';

/** What `operator add` and `operator issue` take of the credentials they make. */
export interface IssueOptions {
  readonly operatorCredentials?: string;
  readonly apiToken?: true;
  /** Seconds. */
  readonly expires?: number;
}

export function addIssueOptions(command: Command): Command {
  return command
    .option('--operator-credentials <folder>', 'where they are written; ./entrepot-NAME when left out')
    .option('--api-token', 'a token in place of a certificate, for programs that bring no key of their own')
    .option(
      '--expires <duration>',
      'how long the token is good for; as long as the hub has it when left out',
      durationSeconds('life of a token'),
    );
}

/** Credentials that were made and written. */
export interface Issued {
  readonly name: string;
  readonly kind: 'certificate' | 'token';
  readonly folder: string;
  readonly expiresAtMs: number;
}

/** Which kind is asked for. INVALID when the options contradict each other. */
export function kindOf({ apiToken, expires }: IssueOptions): Issued['kind'] {
  if (apiToken === true) return 'token';
  if (expires === undefined) return 'certificate';
  throw new Refusal('INVALID', '--expires is for API tokens', {
    hint: 'add --api-token; how long certificates live is a setting of the hub (certificates.operator_lifetime_seconds)',
  });
}

export function defaultFolder(name: string): string {
  return `./entrepot-${name}`;
}

/**
 * Has the hub make credentials for an operator, and writes them. A private key is made here and
 * goes nowhere else.
 */
export async function issueInto(
  session: Session,
  target: CredentialsTarget,
  name: string,
  options: IssueOptions,
): Promise<Issued> {
  const kind = kindOf(options);
  const { folder } = target;
  const made =
    kind === 'token'
      ? await newToken(session, name, options.expires ?? 0)
      : await newCertificate(session, name);
  await target.fill(made.caPem, kind, made.secret);
  return { name, kind, folder, expiresAtMs: made.expiresAtMs };
}

interface Made {
  readonly caPem: string;
  readonly secret: string;
  readonly expiresAtMs: number;
}

async function newCertificate(session: Session, name: string): Promise<Made> {
  // Loaded here: what makes a request costs other commands a tenth of a second.
  const [{ createRequest }, { createPrivateKeyPem }, { parseCredentials }, { isSameIdentity, nameOf }] =
    await Promise.all([
      import('../trust/request.ts'),
      import('../trust/keys.ts'),
      import('../trust/credentials.ts'),
      import('../trust/identity.ts'),
    ]);
  const hub = await session.hub();
  const privateKeyPem = createPrivateKeyPem();
  const { certificate, authorities } = await hub.issueCertificate(name, await createRequest(privateKeyPem));
  const secret = `${privateKeyPem}${certificate}`;
  await requireAuthorities(authorities);
  const { identity, notAfterMs } = parseCredentials(authorities, secret, 'the answer of the hub').certificate;
  if (!isSameIdentity(identity, { kind: 'operator', name })) {
    throw new Refusal('INTERNAL', `the hub answered with a certificate of ${nameOf(identity)}`);
  }
  return { caPem: authorities, secret, expiresAtMs: notAfterMs };
}

async function newToken(session: Session, name: string, lifetimeSeconds: number): Promise<Made> {
  const { token, credential, authorities } = await (await session.hub()).issueToken(name, lifetimeSeconds);
  await requireAuthorities(authorities);
  return { caPem: authorities, secret: `${token}\n`, expiresAtMs: credential?.expiresAtMs ?? 0 };
}

/** Before anything is written: a folder without them is of no use, and would replace one that is. */
async function requireAuthorities(pem: string): Promise<void> {
  const { readBundle } = await import('../trust/certificate.ts');
  readBundle(pem);
}

/**
 * Where `operator issue` writes to. The folder in use, replacing what it holds, when the operator asks
 * for itself and for the kind it has there: that is how credentials are renewed.
 */
export async function issueTarget(
  session: Session,
  name: string,
  options: IssueOptions,
): Promise<{ readonly folder: string; readonly replace: boolean }> {
  const inUse = session.credentialsFolder;
  const isOwn = await isOwnKind(session, name, kindOf(options));
  const given = options.operatorCredentials;
  if (given === undefined) {
    return isOwn ? { folder: inUse, replace: true } : { folder: defaultFolder(name), replace: false };
  }
  return { folder: given, replace: isOwn && (await isSameFolder(given, inUse)) };
}

async function isOwnKind(session: Session, name: string, kind: Issued['kind']): Promise<boolean> {
  const own = await session.credentials();
  if (own.kind !== kind) return false;
  if (own.kind === 'token') return (await (await session.hub()).whoAmI()).subject === `operator/${name}`;
  const { identity } = own.credentials.certificate;
  return identity.kind === 'operator' && identity.name === name;
}

async function isSameFolder(one: string, other: string): Promise<boolean> {
  const paths = await Promise.all([one, other].map((path) => realpath(path).catch(() => undefined)));
  return paths[0] !== undefined && paths[0] === paths[1];
}

/** The command that makes credentials for an operator which has none yet. */
export function issueCommand(name: string, options: IssueOptions): string {
  const { operatorCredentials, apiToken, expires } = options;
  return [
    `entrepot operator issue ${name}`,
    operatorCredentials === undefined ? '' : ` --operator-credentials ${shellWord(operatorCredentials)}`,
    apiToken === true ? ' --api-token' : '',
    expires === undefined ? '' : ` --expires ${expires}s`,
  ].join('');
}

export function issuedJson({ name, kind, folder, expiresAtMs }: Issued) {
  return { name, kind, folder, expires_at: new Date(expiresAtMs).toISOString() };
}

export function issuedText({ name, kind, folder, expiresAtMs }: Issued): string {
  const what = kind === 'token' ? 'API token' : 'certificate';
  return (
    `the ${what} of operator ${name} is in ${folder}, good until ${formatTime(expiresAtMs)}\n` +
    `use it: entrepot operator whoami --credentials ${shellWord(folder)}\n`
  );
}
