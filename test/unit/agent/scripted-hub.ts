import { Registry } from 'prom-client';
import { vi } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { storeOf } from '../../../src/domain/rules/rights.ts';
import type { AgentMessage__Output } from '../../../src/rpc/generated/entrepot/v1/AgentMessage.ts';
import type { Hello__Output } from '../../../src/rpc/generated/entrepot/v1/Hello.ts';
import type { HubMessage } from '../../../src/rpc/generated/entrepot/v1/HubMessage.ts';
import type { StoredImage__Output } from '../../../src/rpc/generated/entrepot/v1/StoredImage.ts';
import type { TaskResult__Output } from '../../../src/rpc/generated/entrepot/v1/TaskResult.ts';
import type { Handlers } from '../../../src/rpc/handlers.ts';
import type { AgentsService, EnrolmentService } from '../../../src/rpc/proto.ts';
import { Agents, Enrolment } from '../../../src/rpc/proto.ts';
import { RpcServer } from '../../../src/rpc/server.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { RpcMetrics } from '../../../src/telemetry/rpc-metrics.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import { Manifest } from '../../../src/transfer/manifest.ts';
import type { IssueOptions } from '../../../src/trust/authority.ts';
import type { Authenticate } from '../../../src/trust/caller.ts';
import type { Credentials } from '../../../src/trust/credentials.ts';
import { HUB } from '../../../src/trust/identity.ts';
import { publicKeyOfRequest } from '../../../src/trust/request.ts';
import { parseJoinToken } from '../../../src/trust/secret-token.ts';
import { type Ticket, TicketIssuer } from '../../../src/trust/ticket.ts';
import type { TestAuthority } from '../../trust/test-authority.ts';
import { gate } from '../rpc/harness.ts';

/** What `find` finds, as soon as it finds something. */
export function eventually<T>(find: () => T | undefined | false, timeout = 30_000): Promise<T> {
  return vi.waitFor(
    () => {
      const found = find();
      if (found === undefined || found === false) throw new Error(`nothing yet: ${find.toString()}`);
      return found;
    },
    { interval: 5, timeout },
  );
}

/** One Attach stream at the hub. */
export class Session {
  readonly hello: Hello__Output;
  readonly inventory: StoredImage__Output[] = [];
  readonly pages: number[] = [];
  readonly messages: AgentMessage__Output[] = [];
  readonly tell: (message: HubMessage) => void;
  readonly cut = gate();
  /** SHA-256 of the certificate the agent came with. */
  readonly fingerprint: string;
  isOver = false;

  constructor(hello: Hello__Output, fingerprint: string, tell: (message: HubMessage) => void) {
    this.hello = hello;
    this.fingerprint = fingerprint;
    this.tell = tell;
  }

  get running(): string[] {
    return this.hello.running.map(({ taskId, attempt }) => `${taskId}/${attempt}`);
  }

  results(taskId: string): TaskResult__Output[] {
    return this.messages.flatMap(({ result }) => (result?.taskId === taskId ? [result] : []));
  }

  phases(taskId: string): string[] {
    const phases = this.messages.flatMap(({ progress }) =>
      progress?.taskId === taskId ? [progress.progress?.phase ?? ''] : [],
    );
    return phases.filter((phase, at) => phase !== phases[at - 1]);
  }

  result(taskId: string): Promise<TaskResult__Output> {
    return eventually(() => this.results(taskId)[0]);
  }
}

/** The hub's side of the contract, at the command of a test: it does what it is told and writes down the rest. */
export class ScriptedHub implements AsyncDisposable {
  readonly sessions: Session[] = [];
  readonly manifests = new Map<string, Buffer>();
  readonly uploads = new Map<string, (fromByte: number) => Iterable<Frame> | AsyncIterable<Frame>>();
  readonly pulledUploads: string[] = [];
  /** What agents said they had of the uploads they pulled. */
  readonly uploadedBefore: { readonly fromByte: number; readonly sha512: string }[] = [];
  manifestsAsked = 0;
  hellos = 0;
  /** Agents are sent away with this. */
  refuses: Refusal | undefined;
  /** Results are acknowledged. */
  keeps = true;
  heartbeatIntervalMs = 20;
  /** Of the certificates it issues. */
  issues: IssueOptions = {};
  /** Called before Enrolment answers; what it throws is the answer. */
  beforeIssued: () => void = () => {};
  /** Join tokens, with the key they were used with. */
  readonly tokens = new Map<string, string>();
  /** Public keys certificates were issued for, base64. */
  readonly keys: string[] = [];
  readonly revoked = new Set<string>();
  port = 0;
  readonly #authority: TestAuthority;
  readonly #credentials: Credentials;
  /** By peer. */
  readonly #fingerprints = new Map<string, string>();
  /** Of certificates that were revoked with their store, and stay so. */
  readonly #cutOff = new Set<string>();
  #server: RpcServer | undefined;

  private constructor(authority: TestAuthority, credentials: Credentials) {
    this.#authority = authority;
    this.#credentials = credentials;
  }

  static async start(authority: TestAuthority, port = 0): Promise<ScriptedHub> {
    const hub = new ScriptedHub(authority, await authority.credentials(HUB));
    await hub.#start(port);
    return hub;
  }

  async #start(port: number): Promise<void> {
    this.#server = new RpcServer({
      name: 'hub',
      host: '127.0.0.1',
      port,
      log: createLoggers({ component: 'hub', level: 'silent' }).rpc,
      metrics: new RpcMetrics(new Registry()),
      credentials: this.#credentials,
      clients: 'anyone',
      authenticate: this.#authenticate,
    });
    this.#server.add(Enrolment, this.#enrolment(), { Join: 'enrol', Renew: 'known' });
    const agents: Handlers<AgentsService> = {
      Attach: (messages, write, { caller, peer }) =>
        this.#attach(messages[Symbol.asyncIterator](), write, storeOf(caller), peer),
      GetManifest: async ({ root }, write) => {
        this.manifestsAsked += 1;
        await write({ data: this.manifests.get(root) ?? Buffer.alloc(0) });
      },
      PutManifest: async (pieces) => {
        const data: Buffer[] = [];
        for await (const piece of pieces) data.push(piece.data);
        const body = Buffer.concat(data);
        const { root } = Manifest.decode(body);
        this.manifests.set(root, body);
        return { root };
      },
      PullUpload: async ({ taskId, attempt, fromByte, sha512 }, write) => {
        this.pulledUploads.push(`${taskId}/${attempt}`);
        this.uploadedBefore.push({ fromByte, sha512 });
        for await (const frame of this.uploads.get(taskId)?.(fromByte) ?? []) await write(frame);
      },
    };
    const serve = {
      Attach: 'serve',
      GetManifest: 'serve',
      PutManifest: 'serve',
      PullUpload: 'serve',
    } as const;
    this.#server.add(Agents, agents, serve);
    this.port = await this.#server.start();
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The stream the agent of a store has now. */
  session(storeId: string, after?: Session): Promise<Session> {
    return eventually(() =>
      this.sessions.findLast((one) => one.hello.storeId === storeId && !one.isOver && one !== after),
    );
  }

  /** A ticket as the hub signs it. `nowMs` in the past makes one that ends sooner. */
  ticket(ticket: Omit<Ticket, 'expiresAtMs'>, nowMs = Date.now()): string {
    return new TicketIssuer(this.#credentials).issue(ticket, nowMs);
  }

  /** Cuts a store off, as `entrepot store revoke` does. */
  revoke(storeId: string): void {
    this.revoked.add(storeId);
    for (const session of this.sessions) {
      if (session.hello.storeId === storeId) this.#cutOff.add(session.fingerprint);
    }
    const reason = revokedRefusal(storeId);
    this.#server?.abortCalls((caller) => caller.kind === 'store' && caller.storeId === storeId, reason);
    for (const session of this.sessions) if (!session.isOver) session.tell({ storeRevoked: { storeId } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.stop(0);
  }

  readonly #authenticate: Authenticate = ({ certificate, peer }) => {
    if (certificate === undefined) return { kind: 'nobody' };
    const { identity, fingerprint } = certificate;
    this.#fingerprints.set(peer, fingerprint);
    if (identity.kind === 'store') {
      if (this.revoked.has(identity.storeId)) this.#cutOff.add(fingerprint);
      if (this.#cutOff.has(fingerprint)) throw revokedRefusal(identity.storeId);
    }
    return identity.kind === 'operator' ? { ...identity, role: 'admin' } : identity;
  };

  #enrolment(): Handlers<EnrolmentService> {
    const issue = async (storeId: string, request: Buffer) => {
      const publicKey = await publicKeyOfRequest(request);
      const key = publicKey.toString('base64');
      const identity = { kind: 'store', storeId } as const;
      const certificate = await this.#authority.authority.issue(identity, publicKey, this.issues);
      return {
        key,
        answer: {
          certificate,
          authorities: this.#authority.caPem,
          expiresAtMs: 0,
          subject: `store/${storeId}`,
        },
      };
    };
    return {
      Join: async ({ token, certificateRequest }) => {
        const { storeId } = parseJoinToken(token);
        const usedBy = this.tokens.get(token);
        if (usedBy === undefined) throw new Refusal('UNAUTHENTICATED', 'the join token is not known');
        const { key, answer } = await issue(storeId, certificateRequest);
        if (usedBy !== '' && usedBy !== key) throw new Refusal('UNAUTHENTICATED', 'the join token was used');
        this.tokens.set(token, key);
        this.revoked.delete(storeId);
        this.keys.push(key);
        this.beforeIssued();
        return answer;
      },
      Renew: async ({ certificateRequest }, { caller }) => {
        const { key, answer } = await issue(storeOf(caller), certificateRequest);
        this.keys.push(key);
        this.beforeIssued();
        return answer;
      },
    };
  }

  async #attach(
    messages: AsyncIterator<AgentMessage__Output>,
    write: (message: HubMessage) => Promise<void>,
    storeId: string,
    peer: string,
  ): Promise<void> {
    const first = await messages.next();
    this.hellos += 1;
    if (this.refuses) throw this.refuses;
    const hello = first.done ? undefined : first.value.hello;
    if (hello?.storeId !== storeId) throw new Refusal('FORBIDDEN', `${hello?.storeId} is not ${storeId}`);
    const fingerprint = this.#fingerprints.get(peer) ?? '';
    const session = new Session(hello, fingerprint, (message) => void write(message).catch(() => undefined));
    for (let last = false; !last; ) {
      const page = (await messages.next()).value?.inventory;
      if (!page) throw new Error('no inventory');
      session.inventory.push(...page.images);
      session.pages.push(page.images.length);
      last = page.last;
    }
    const { heartbeatIntervalMs, revoked } = this;
    session.tell({ welcome: { heartbeatIntervalMs, revokedStoreIds: [...revoked] } });
    this.sessions.push(session);
    try {
      for (;;) {
        const next = await Promise.race([messages.next(), session.cut.opened]);
        if (!next || next.done) return;
        session.messages.push(next.value);
        const { result } = next.value;
        if (result && this.keeps) session.tell({ kept: { taskId: result.taskId, attempt: result.attempt } });
      }
    } finally {
      session.isOver = true;
    }
  }
}

function revokedRefusal(storeId: string): Refusal {
  return new Refusal('UNAUTHENTICATED', `store ${storeId} has been revoked`, {
    hint: `entrepot store add ${storeId} gives its agent a new token`,
  });
}
