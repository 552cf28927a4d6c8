import type { FoundFormat, Image, ImageData } from '../domain/image.ts';
import type { Job, Reason, Task, Traffic } from '../domain/job.ts';

/**
 * What the queue needs of the agents. Nothing here waits for an agent: what a call
 * leads to comes back through the queue's reports, or the agent is reported detached.
 */
export interface AgentPort {
  isOnline(storeId: string): boolean;

  /** Hands a task out. May be lost on the way: then the agent is detached soon after. */
  assign(storeId: string, assignment: Assignment): void;

  /** Asks for an attempt to be ended; the agent reports how it ended. */
  cancel(storeId: string, taskId: string, attempt: number): void;

  /** Leftovers that no job will use. */
  discard(storeId: string, imageIds: readonly string[]): void;

  /**
   * Clones that depend on a store's copy, as `pool/name`. UNAVAILABLE or TIMEOUT when
   * the store does not answer.
   */
  askChildren(storeId: string, imageId: string): Promise<readonly string[]>;
}

export interface Assignment {
  readonly task: Task;
  readonly attempt: number;
  readonly job: Job;
  readonly image: Image;
  /** Where an import by web-download fetches from. */
  readonly sourceUri?: string | undefined;
}

/** How an attempt ended, as its agent reports it. */
export type Outcome =
  | {
      readonly kind: 'staged';
      readonly sizeBytes: number;
      readonly sha512: string;
      readonly traffic: Traffic;
    }
  | {
      readonly kind: 'ingested';
      readonly data: ImageData;
      /** Undefined: what it came as, with nothing found in it. */
      readonly format?: FoundFormat | undefined;
      readonly traffic: Traffic;
    }
  | { readonly kind: 'copied'; readonly verifiedRoot: string; readonly traffic: Traffic }
  | { readonly kind: 'deleted'; readonly traffic: Traffic }
  | { readonly kind: 'failed'; readonly reason: Reason; readonly traffic: Traffic };

/** An attempt that an agent says it is working on, or has a result of. */
export interface TaskAttempt {
  readonly taskId: string;
  readonly attempt: number;
}
