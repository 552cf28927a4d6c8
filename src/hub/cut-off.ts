import { Refusal } from '../domain/refusal.ts';
import type { Caller } from '../domain/rules/rights.ts';
import type { Welcome } from '../rpc/generated/entrepot/v1/Welcome.ts';
import type { Attachments } from './attachments.ts';

/** Ends calls under way of the callers that match; how many. */
export type AbortCalls = (match: (caller: Caller) => boolean, reason: Refusal) => number;

export interface CutOffParts {
  readonly attachments: Attachments;
  readonly abortCalls: AbortCalls;
  /** Ends what the hub itself reads from the store. */
  readonly endDownloads: (storeId: string, reason: Refusal) => void;
  /** What agents are told of stores that are revoked. */
  readonly welcome: () => Welcome;
}

/**
 * Ends what somebody has under way who may not any more, and tells the agents. That the next call is
 * refused is for the catalogue to say, which must know by then.
 */
export class CutOff {
  readonly #parts: CutOffParts;

  constructor(parts: CutOffParts) {
    this.#parts = parts;
  }

  /**
   * A store is revoked or removed: its streams here end, and those of the hub to it, and the other agents
   * are told to end theirs with it.
   */
  store(storeId: string, what: 'revoked' | 'removed'): void {
    const reason = new Refusal('UNAUTHENTICATED', `store ${storeId} was ${what}`, {
      hint: `\`entrepot store add ${storeId}\` gives its agent a token to join with again`,
    });
    this.#endStore(storeId, reason);
    this.#parts.attachments.tellOthers(storeId, { storeRevoked: { storeId } });
  }

  /** An agent joined as this store. The one before has no certificate any more; others may deal with it again. */
  joined(storeId: string): void {
    const reason = new Refusal('UNAUTHENTICATED', `another agent joined as store ${storeId}`, {
      hint: `\`entrepot store add ${storeId}\` gives this one a token to join with, in place of that one`,
    });
    this.#endStore(storeId, reason);
    this.admitted(storeId);
  }

  /** The other agents are told that a store is let in again. */
  admitted(storeId: string): void {
    this.#parts.attachments.tellOthers(storeId, { welcome: this.#parts.welcome() });
  }

  /** Whichever credential its calls were made with. One that revokes itself still gets the answer to that. */
  operator(name: string): void {
    const reason = new Refusal('UNAUTHENTICATED', `credentials of operator ${name} were revoked`);
    this.#parts.abortCalls((caller) => caller.kind === 'operator' && caller.name === name, reason);
  }

  #endStore(storeId: string, reason: Refusal): void {
    const { abortCalls, endDownloads } = this.#parts;
    abortCalls((caller) => caller.kind === 'store' && caller.storeId === storeId, reason);
    endDownloads(storeId, reason);
  }
}
