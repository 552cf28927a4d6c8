import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Task } from '../domain/job.ts';
import type { AgentPort, Outcome } from './agent-port.ts';
import type { RetryPolicy } from './retry.ts';

export interface Widths {
  /** Attempts at work at one store at a time. */
  readonly perStore: number;
  /** Attempts at work in all. */
  readonly overall: number;
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
