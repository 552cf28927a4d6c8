import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Task } from '../domain/job.ts';
import type { Lane } from '../domain/lane.ts';
import type { AgentPort, Outcome } from './agent-port.ts';
import type { RetryPolicy } from './retry.ts';

/** Attempts at work at a time; what they are kept waiting by is in `Room`. */
export interface Widths {
  /** At one store. */
  readonly perStore: number;
  readonly overall: number;
}

/** Who asked for a job, under which request id, and how urgently. */
export interface Asked {
  readonly requestedBy: string;
  readonly requestId: string;
  /** `normal` when left out. */
  readonly lane?: Lane | undefined;
  /** Where an import downloads from, see `Jobs.insert`. */
  readonly sourceUri?: string | undefined;
}

/** What the queue is built from. Time, chance and ids come from outside, for the tests' sake. */
export interface QueueParts {
  readonly catalogue: Catalogue;
  readonly agents: AgentPort;
  readonly widths: Widths;
  readonly retry: RetryPolicy;
  readonly newId: () => string;
  readonly now: () => number;
  readonly random: () => number;
  /** After each committed change of an image's jobs and tasks. */
  readonly onChange: (imageId: string) => void;
  /** After an attempt ended; `again` when it will be repeated. */
  readonly onAttemptEnd: (task: Task, outcome: Outcome, again: boolean) => void;
  /** A fault of ours that no caller is there to hear of. */
  readonly onFault: (error: unknown) => void;
}
