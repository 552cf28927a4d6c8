import { isUuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import type { AgentMessage } from '../rpc/generated/entrepot/v1/AgentMessage.ts';
import type { Answer } from '../rpc/generated/entrepot/v1/Answer.ts';
import type { HubMessage__Output } from '../rpc/generated/entrepot/v1/HubMessage.ts';
import type { Question__Output } from '../rpc/generated/entrepot/v1/Question.ts';
import type { RenewedTicket__Output } from '../rpc/generated/entrepot/v1/RenewedTicket.ts';
import type { Serve__Output } from '../rpc/generated/entrepot/v1/Serve.ts';
import type { Staging } from '../staging/staging.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import { withFields } from '../telemetry/request-context.ts';
import type { Deliveries } from './deliveries.ts';
import type { ImageLocks } from './image-locks.ts';
import { examineAdoption } from './imports/examine.ts';
import { failureMessage, readAdopt, readAssignment, readPacing } from './messages.ts';
import type { Pacing } from './pacing.ts';
import type { RevokedStores } from './revoked-stores.ts';
import type { TaskBoard } from './task-board.ts';

/** Whole images named in one answer. */
const ANSWER_IMAGES = 1000;

export interface OrdersParts {
  readonly store: Store;
  readonly staging: Staging;
  readonly board: TaskBoard;
  readonly locks: ImageLocks;
  readonly deliveries: Deliveries;
  readonly revoked: RevokedStores;
  readonly pacing: Pacing;
  readonly tell: (message: AgentMessage) => void;
  readonly log: Log;
}

/** What the hub says, to whom it concerns. Nothing here waits: the stream is read on. */
export class Orders {
  readonly #parts: OrdersParts;

  constructor(parts: OrdersParts) {
    this.#parts = parts;
  }

  handle(message: HubMessage__Output): void {
    const { board, log, pacing } = this.#parts;
    const { assign, cancel, kept, serve, discard, question, renewedTicket, storeRevoked } = message;
    if (assign) board.assign(readAssignment(assign));
    else if (cancel) board.cancel(cancel);
    else if (kept) board.kept(kept);
    else if (serve) void this.#serve(serve);
    else if (discard) for (const imageId of discard.imageIds) void this.#discard(imageId);
    else if (question) void this.#answer(question);
    else if (renewedTicket) this.#renewTicket(renewedTicket);
    else if (storeRevoked) this.#revoke(storeRevoked.storeId);
    else if (message.pacing) pacing.heed(readPacing(message.pacing));
    else log.info('ignored a message of a kind this agent does not know: the hub is newer');
  }

  #renewTicket({ taskId, attempt, ticket }: RenewedTicket__Output): void {
    const { board, deliveries, log } = this.#parts;
    const key = { taskId, attempt };
    if (board.renewTicket(key, ticket) || deliveries.renewTicket(key, ticket)) return;
    log.info(key, 'ignored a renewed ticket: its attempt is not at work here');
  }

  #revoke(storeId: string): void {
    const { revoked, log } = this.#parts;
    log.warn(
      { revokedStoreId: storeId },
      `store ${storeId} has been revoked: ending what is under way with it`,
    );
    revoked.add(storeId);
  }

  async #serve(serve: Serve__Output): Promise<void> {
    const { deliveries, log } = this.#parts;
    const { taskId, attempt, imageId, receiverAddress, receiverStoreId, ticket, requestId } = serve;
    const jobId = serve.jobId || undefined;
    const fields = { requestId: requestId || undefined, taskId, imageId };
    await withFields(fields, async () => {
      log.info({ attempt, receiverAddress }, 'delivery starts');
      try {
        const key = { taskId, attempt, imageId };
        await deliveries.deliver({ ...key, jobId, receiverAddress, receiverStoreId, ticket });
        log.info({ attempt }, 'delivery done');
      } catch (error) {
        const { code, message } = Refusal.from(error);
        log.warn({ attempt, code }, `delivery broken off: ${message}`);
      }
    });
  }

  async #answerTo({ imageId, examine, wholeAfter }: Question__Output): Promise<Answer> {
    const { store } = this.#parts;
    if (examine) return { examined: await examineAdoption(store, readAdopt(examine), imageId) };
    if (wholeAfter === undefined) return { children: await store.children(imageId) };
    const whole = (await store.list()).filter(({ form, imageId: id }) => form === 'whole' && id > wholeAfter);
    const images = whole.sort((one, other) => (one.imageId < other.imageId ? -1 : 1)).slice(0, ANSWER_IMAGES);
    return { images };
  }

  /** A partial image, or a file in staging, that no job will use, unless a task of ours does by now. */
  async #discard(imageId: string): Promise<void> {
    const { store, staging, board, locks, log } = this.#parts;
    if (!isUuid(imageId) || board.uses(imageId)) {
      log.info({ imageId }, 'ignored a discard: a task uses the image');
      return;
    }
    try {
      await locks.run(imageId, async () => {
        await store.discard(imageId);
        await staging.discard(imageId);
      });
      log.info({ imageId }, 'leftover discarded');
    } catch (error) {
      const { code, message } = Refusal.from(error);
      log.warn({ imageId, code }, `leftover not discarded: ${message}`);
    }
  }

  async #answer(question: Question__Output): Promise<void> {
    const { tell } = this.#parts;
    const { questionId } = question;
    try {
      tell({ answer: { questionId, ...(await this.#answerTo(question)) } });
    } catch (error) {
      tell({ answer: { questionId, failure: failureMessage(Refusal.from(error)) } });
    }
  }
}
