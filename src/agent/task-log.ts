import type { Progress, Traffic } from '../domain/job.ts';
import type { AgentByteKind, AgentMetrics } from '../telemetry/agent-metrics.ts';
import type { Log } from '../telemetry/log.ts';
import { withFields } from '../telemetry/request-context.ts';
import type { Assignment, AttemptKey, Result } from './messages.ts';
import type { TaskObserver } from './task-board.ts';

/** Writes down what tasks do: a log line for each start, phase and end, and the metrics. */
export class TaskLog implements TaskObserver {
  readonly #log: Log;
  readonly #metrics: AgentMetrics;
  readonly #now: () => number;
  readonly #accounts = new WeakMap<Assignment, Account>();

  constructor(log: Log, metrics: AgentMetrics, now: () => number) {
    this.#log = log;
    this.#metrics = metrics;
    this.#now = now;
  }

  inContext<T>({ requestId, jobId, taskId, imageId }: Assignment, work: () => Promise<T>): Promise<T> {
    return withFields({ requestId: requestId || undefined, jobId, taskId, imageId }, work);
  }

  started(assignment: Assignment): void {
    this.#accounts.set(assignment, { startedAtMs: this.#now(), counted: new Map() });
    this.#log.info({ attempt: assignment.attempt }, `${assignment.work.kind} starts`);
  }

  progressed(assignment: Assignment, progress: Progress, traffic: Traffic, phaseChanged: boolean): void {
    this.#count(assignment, traffic);
    if (!phaseChanged) return;
    const { phase, doneBytes, totalBytes, resumedBytes } = progress;
    this.#log.info(
      { phase, doneBytes, totalBytes, resumedBytes, seconds: this.#seconds(assignment) },
      `${assignment.work.kind}: ${phase}`,
    );
  }

  ended(assignment: Assignment, { outcome, traffic, seconds }: Result): void {
    this.#count(assignment, traffic);
    const { kind } = assignment.work;
    const fields = { attempt: assignment.attempt, ...traffic, seconds };
    if (outcome.kind !== 'failed') {
      this.#log.info(fields, `${kind} done`);
      if (kind !== 'unknown') this.#metrics.taskEnded(kind, 'done', '');
      return;
    }
    const { code, message, hint, cause } = outcome.refusal;
    const failure = { ...fields, code, ...(hint !== undefined && { hint }) };
    if (code === 'CANCELLED') this.#log.info(failure, `${kind} cancelled`);
    else if (code === 'INTERNAL')
      this.#log.error({ ...failure, err: cause ?? outcome.refusal }, `${kind} failed: ${message}`);
    else this.#log.warn(failure, `${kind} failed: ${message}`);
    if (kind !== 'unknown')
      this.#metrics.taskEnded(kind, code === 'CANCELLED' ? 'cancelled' : 'failed', code);
  }

  ignored({ taskId, attempt }: AttemptKey, why: string): void {
    this.#log.info({ taskId, attempt }, `ignored what the hub said of a task: ${why}`);
  }

  /** Counters grow while bytes move, not in one leap at the end. */
  #count(assignment: Assignment, traffic: Traffic): void {
    const counted = this.#accounts.get(assignment)?.counted;
    if (!counted) return;
    const moved: Readonly<Record<Exclude<AgentByteKind, 'sent'>, number>> = {
      received: traffic.receivedBytes,
      wire: traffic.wireBytes,
      hole: traffic.holeBytes,
      resumed: traffic.resumedBytes,
      verified: traffic.verifiedBytes,
    };
    for (const [kind, bytes] of Object.entries(moved) as [AgentByteKind, number][]) {
      // Verified bytes go back when a chunk reads back wrong; a counter never does.
      const before = counted.get(kind) ?? 0;
      if (bytes <= before) continue;
      this.#metrics.moved(kind, bytes - before);
      counted.set(kind, bytes);
    }
  }

  #seconds(assignment: Assignment): number {
    const startedAtMs = this.#accounts.get(assignment)?.startedAtMs ?? this.#now();
    return Math.round(this.#now() - startedAtMs) / 1000;
  }
}

interface Account {
  readonly startedAtMs: number;
  readonly counted: Map<AgentByteKind, number>;
}
