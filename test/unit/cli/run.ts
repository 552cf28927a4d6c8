import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { Registry } from 'prom-client';
import { runCommandLine } from '../../../src/cli/main.ts';
import type { Daemons } from '../../../src/cli/program.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { Caller } from '../../../src/domain/rules/rights.ts';
import type { Presented } from '../../../src/rpc/caller.ts';
import type { Handlers } from '../../../src/rpc/handlers.ts';
import { Events, Images, Jobs, Operators, Stores } from '../../../src/rpc/proto.ts';
import { RpcServer } from '../../../src/rpc/server.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { RpcMetrics } from '../../../src/telemetry/rpc-metrics.ts';
import type { IssueOptions } from '../../../src/trust/authority.ts';
import { HUB, type Identity } from '../../../src/trust/identity.ts';
import { TestAuthority } from '../../trust/test-authority.ts';

const EXECUTABLE = fileURLToPath(new URL('../../../bin/entrepot.cjs', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

export interface Surroundings {
  /** All of its standard input; nothing at all when left out. */
  readonly input?: string | Readable;
  readonly cwd?: string;
}

/** The executable as a person starts it. */
export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { input, cwd }: Surroundings = {},
): Running {
  const child = spawn(process.execPath, [EXECUTABLE, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  // It may have read enough before all of it is written.
  if (child.stdin && input !== undefined)
    pipeline(typeof input === 'string' ? [input] : input, child.stdin).catch(() => {});
  const code = new Promise<number | null>((resolve) => child.on('close', resolve));
  // A reader that a test took away has read nothing.
  const stdoutText = text(child.stdout as NodeJS.ReadableStream).catch(() => '');
  const stderrText = text(child.stderr as NodeJS.ReadableStream);
  const outcome = Promise.all([code, stdoutText, stderrText]).then(([exitCode, stdout, stderr]) => ({
    code: exitCode,
    stdout,
    stderr,
  }));
  return { child, outcome };
}

const noDaemon = async () => {
  throw new Error('daemons are not run within a test process');
};

/** The same command line within this process: quicker, and all there is to most tests. */
export function entrepot(...args: readonly string[]): Promise<Outcome> {
  return entrepotWith({}, ...args);
}

/** With what the executable hands in, as far as a test gives it. */
export async function entrepotWith(daemons: Partial<Daemons>, ...args: readonly string[]): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  const streams = {
    stdout: { write: (written: string) => (stdout += written) },
    stderr: { write: (written: string) => (stderr += written) },
  };
  const none = { runHub: noDaemon, initHub: noDaemon, runAgent: noDaemon, joinAgent: noDaemon };
  const code = await runCommandLine(args, streams, { ...none, ...daemons });
  return { code, stdout, stderr };
}

const SERVICES = { Images, Jobs, Stores, Operators, Events };
type Services = typeof SERVICES;

/** Answers a test gives; what it leaves out refuses with UNSUPPORTED. */
export type Given = { readonly [Name in keyof Services]?: Partial<Handlers<Services[Name]>> };

/** A hub of hand-written answers on a free port, which takes everybody it knows for an admin. */
export class FakeHub implements AsyncDisposable {
  readonly authority: TestAuthority;
  /** What callers showed of who they are, call by call. */
  readonly presented: Presented[] = [];
  readonly #folder: Folder;
  readonly #server: RpcServer;
  #port = 0;

  private constructor(
    authority: TestAuthority,
    folder: Folder,
    credentials: Awaited<ReturnType<TestAuthority['credentials']>>,
  ) {
    this.authority = authority;
    this.#folder = folder;
    this.#server = new RpcServer({
      name: 'hub',
      host: '127.0.0.1',
      port: 0,
      log: createLoggers({ component: 'hub', level: 'error' }).rpc,
      metrics: new RpcMetrics(new Registry()),
      credentials,
      clients: 'anyone',
      authenticate: (presented) => this.#authenticate(presented),
    });
  }

  /** `identity`: whom its own certificate speaks for. */
  static async with(given: Given, identity: Identity = HUB): Promise<FakeHub> {
    const authority = await TestAuthority.create();
    const hub = new FakeHub(authority, await Folder.make(), await authority.credentials(identity));
    for (const [name, service] of Object.entries(SERVICES)) {
      const handlers = { ...refuseAll(service), ...given[name as keyof Services] };
      const rights = Object.fromEntries(Object.keys(service).map((method) => [method, 'known']));
      hub.#server.add(service, handlers as never, rights as never);
    }
    await hub.folderOf({ kind: 'operator', name: 'alice' });
    hub.#port = await hub.#server.start();
    return hub;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Credentials of operator alice. */
  get credentials(): string {
    return this.#folder.file('alice');
  }

  /** A folder named after it with a certificate of this hub's authority. */
  async folderOf(identity: Identity, options: IssueOptions & { folder?: string } = {}): Promise<string> {
    const name = identity.kind === 'operator' ? identity.name : identity.kind;
    const { chainPem, privateKeyPem } = await this.authority.credentials(identity, options);
    return await this.#write(options.folder ?? name, 'identity.pem', `${privateKeyPem}${chainPem}`);
  }

  /** A folder with an API token. */
  async folderWithToken(name: string, token: string): Promise<string> {
    return await this.#write(name, 'token', `${token}\n`);
  }

  /** As a process. */
  start(...args: readonly string[]): Running {
    return this.startIn(undefined, ...args);
  }

  /** As a process, in a folder. */
  startIn(cwd: string | undefined, ...args: readonly string[]): Running {
    const env = { ENTREPOT_HUB: this.address, ENTREPOT_CREDENTIALS: this.credentials };
    return start(args, env, cwd === undefined ? {} : { cwd });
  }

  /** Within this process. */
  run(...args: readonly string[]): Promise<Outcome> {
    return this.runAs(this.credentials, ...args);
  }

  /** Within this process, with the credentials of a folder. */
  runAs(folder: string, ...args: readonly string[]): Promise<Outcome> {
    return entrepot('--hub', this.address, '--credentials', folder, ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(0);
    await this.#folder[Symbol.asyncDispose]();
  }

  #authenticate(presented: Presented): Caller {
    this.presented.push(presented);
    const identity = presented.certificate?.identity;
    if (identity?.kind === 'operator') return { kind: 'operator', name: identity.name, role: 'admin' };
    if (presented.bearer !== undefined) return { kind: 'operator', name: 'robot', role: 'admin' };
    throw new Refusal('UNAUTHENTICATED', 'this hub does not know you');
  }

  async #write(name: string, file: string, secret: string): Promise<string> {
    const folder = this.#folder.file(name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'ca.pem'), this.authority.caPem);
    await writeFile(join(folder, file), secret, { mode: 0o600 });
    return folder;
  }
}

function refuseAll(service: object): Record<string, () => Promise<never>> {
  const refuse = async () => {
    throw new Refusal('UNSUPPORTED', 'not part of this test');
  };
  return Object.fromEntries(Object.keys(service).map((name) => [name, refuse]));
}

/** A folder that is gone afterwards. */
export class Folder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<Folder> {
    return new Folder(await mkdtemp(join(tmpdir(), 'entrepot-cli-')));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
