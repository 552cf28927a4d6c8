import { setTimeout as delay } from 'node:timers/promises';
import { Attach } from '../../src/agent/attach.ts';
import { Backoff } from '../../src/agent/backoff.ts';
import { HubClient } from '../../src/agent/hub-client.ts';
import { ImageLocks } from '../../src/agent/image-locks.ts';
import { type Assignment, readAssignment } from '../../src/agent/messages.ts';
import { type Done, type Run, TaskBoard } from '../../src/agent/task-board.ts';
import { CHUNK_BYTES } from '../../src/domain/chunk.ts';
import { NO_TRAFFIC, noProgress, type Phase } from '../../src/domain/job.ts';
import type { HubMessage__Output } from '../../src/rpc/generated/entrepot/v1/HubMessage.ts';
import type { Credentials } from '../../src/trust/credentials.ts';
import { type PopulatedImage, storeIdentity } from './population.ts';

/** How long a copy takes: a moment, since it is the hub's part of it that is measured. */
export const TASK_MS = 20;

const REDIAL = { minMs: 250, maxMs: 5000 };

const TIB = 1024 ** 4;

export interface SimulatedSiteParts {
  readonly storeId: string;
  /** host:port of the hub. */
  readonly hub: string;
  readonly credentials: Credentials;
  readonly held: readonly PopulatedImage[];
  readonly onAttached: () => void;
  readonly onDetached: (reason: string) => void;
  /** The hub has a result on its disk. */
  readonly onKept: () => void;
}

/**
 * The agent of one site as the hub sees it: its own stream, its own certificate, hello, inventory,
 * heartbeats, every change of phase of a task and its result, made by the parts of the real agent. Only
 * the work itself is a wait.
 */
export class SimulatedSite {
  readonly #parts: SimulatedSiteParts;
  readonly #attach: Attach;
  readonly #board: TaskBoard;
  #isAttached = false;

  constructor(parts: SimulatedSiteParts) {
    this.#parts = parts;
    const { storeId, hub, credentials, held } = parts;
    const client = new HubClient({ address: hub, credentials });
    this.#board = new TaskBoard({
      perform,
      locks: new ImageLocks(),
      observer: {
        started: nothing,
        progressed: nothing,
        ended: nothing,
        ignored: nothing,
        inContext: (_assignment, work) => work(),
      },
      tell: (message) => this.#attach.tell(message),
      now: Date.now,
    });
    this.#attach = new Attach({
      refresh: async () => undefined,
      dial: async (signal) => client.attach(signal),
      inventory: async () => held.map(({ id, sizeBytes }) => ({ imageId: id, form: 'whole', sizeBytes })),
      hello: () => ({
        storeId,
        ...storeIdentity(storeId),
        version: 'bench',
        transferAddress: `${storeId}.example:7442`,
        running: this.#board.attempts(),
      }),
      heartbeat: () => ({ freeBytes: TIB, totalBytes: 10 * TIB }),
      unheard: () => this.#board.unheard(),
      handle: (message) => this.#handle(message),
      welcomed: () => this.#welcomed(),
      detached: ({ code, message }) => this.#detached(`${code} ${message}`),
      backoff: new Backoff(REDIAL, Math.random),
    });
  }

  /** Until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#attach.run(signal);
  }

  #welcomed(): void {
    if (this.#isAttached) return;
    this.#isAttached = true;
    this.#parts.onAttached();
  }

  /** Also told of a dial that came to nothing. */
  #detached(reason: string): void {
    if (!this.#isAttached) return;
    this.#isAttached = false;
    this.#parts.onDetached(reason);
  }

  #handle({ assign, cancel, kept, question }: HubMessage__Output): void {
    if (assign) this.#board.assign(readAssignment(assign));
    else if (cancel) this.#board.cancel(cancel);
    else if (question) this.#attach.tell({ answer: { questionId: question.questionId, children: [] } });
    else if (kept) {
      this.#board.kept(kept);
      this.#parts.onKept();
    }
  }
}

/** A copy that moves nothing, in the phases of one that does. */
async function perform({ work }: Assignment, run: Run): Promise<Done> {
  if (work.kind !== 'copy') throw new Error(`the bench asks for copies, not for ${work.kind}`);
  const say = (phase: Phase, doneBytes: number) =>
    run.onProgress({ ...noProgress(phase), doneBytes, totalBytes: work.sizeBytes });
  say('preparing', 0);
  say('transferring', CHUNK_BYTES);
  await delay(TASK_MS, undefined, { signal: run.signal });
  for (const phase of ['flushing', 'verifying', 'publishing'] as const) say(phase, work.sizeBytes);
  const { sizeBytes } = work;
  const traffic = { ...NO_TRAFFIC, receivedBytes: sizeBytes, wireBytes: sizeBytes, verifiedBytes: sizeBytes };
  return { outcome: { kind: 'copied', verifiedRoot: work.root }, traffic };
}

function nothing(): void {}
