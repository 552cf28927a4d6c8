import { Registry } from 'prom-client';
import { RevokedStores } from '../../../src/agent/revoked-stores.ts';
import { TicketDesk } from '../../../src/agent/tickets.ts';
import type { PullRequest__Output } from '../../../src/rpc/generated/entrepot/v1/PullRequest.ts';
import type { CallContext } from '../../../src/rpc/handlers.ts';
import { TICKET_KEY } from '../../../src/rpc/limits.ts';
import { Transfer } from '../../../src/rpc/proto.ts';
import { RpcServer } from '../../../src/rpc/server.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { RpcMetrics } from '../../../src/telemetry/rpc-metrics.ts';
import type { ChunkRun } from '../../../src/transfer/frames.ts';
import { unlessAborted } from '../../../src/transfer/in-flight.ts';
import type { Certificate } from '../../../src/trust/certificate.ts';
import type { Credentials } from '../../../src/trust/credentials.ts';
import { HUB } from '../../../src/trust/identity.ts';

const NO_CERTIFICATE: Certificate = { identity: HUB, fingerprint: '', notBeforeMs: 0, notAfterMs: 0 };
export const FRAME = Buffer.alloc(16, 7);

/** What the hub showed. */
interface Pull {
  readonly ticket: string;
  readonly runs: readonly ChunkRun[];
  /** Aborts when the hub leaves. */
  readonly signal: AbortSignal;
}

/**
 * The central agent as the hub meets it when it downloads: it looks at tickets as agents do, and sends
 * one frame of an image at once, and another when it is told to.
 */
export class FakeCentral implements AsyncDisposable {
  readonly pulls: Pull[] = [];
  /** Tickets shown in place of those that streams were let in with. */
  readonly renewals: string[] = [];
  readonly desk: TicketDesk;
  readonly #server: RpcServer;
  readonly #released = Promise.withResolvers<void>();

  /** `storeId`: when it is the agent of another store. */
  constructor(credentials: Credentials, storeId = 'central') {
    this.desk = new TicketDesk({
      storeId,
      caPem: credentials.caPem,
      revoked: new RevokedStores(Date.now, () => undefined),
      now: Date.now,
      onRefused: () => undefined,
    });
    this.#server = new RpcServer({
      name: 'agent',
      host: '127.0.0.1',
      port: 0,
      log: createLoggers({ component: 'agent', level: 'silent' }).rpc,
      metrics: new RpcMetrics(new Registry()),
      credentials,
      clients: 'known',
      authenticate: ({ certificate }) => ({
        kind: certificate?.identity.kind === 'hub' ? 'hub' : 'nobody',
      }),
    });
    this.#server.add(
      Transfer,
      {
        Pull: (request, write, context) => this.#pull(request, write, context),
        Push: () => Promise.reject(new Error('not part of this test')),
        Renew: async ({ ticket }, { peer, certificate = NO_CERTIFICATE }) => {
          this.renewals.push(ticket);
          return { expiresAtMs: this.desk.renew(ticket, { holder: HUB, certificate, peer }) };
        },
      },
      { Pull: 'transfer', Push: 'transfer', Renew: 'transfer' },
    );
  }

  /** Its address. */
  async start(): Promise<string> {
    return `127.0.0.1:${await this.#server.start()}`;
  }

  /** Lets all pulls end, those to come included. */
  release(): void {
    this.#released.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.#server[Symbol.asyncDispose]();
  }

  async #pull(
    { imageId, runs }: PullRequest__Output,
    write: (frame: { offset: number; data: Buffer; last: boolean }) => Promise<void>,
    { metadata, peer, certificate = NO_CERTIFICATE, signal }: CallContext,
  ): Promise<void> {
    const ticket = metadata.get(TICKET_KEY) ?? '';
    const use = { action: 'pull', imageId, holder: HUB, certificate, peer } as const;
    using _admission = this.desk.admit(ticket, use);
    this.pulls.push({ ticket, runs, signal });
    await write({ offset: 0, data: FRAME, last: false });
    await unlessAborted(this.#released.promise, signal);
    await write({ offset: FRAME.length, data: FRAME, last: true });
  }
}
