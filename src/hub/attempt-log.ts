import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Task } from '../domain/job.ts';
import type { Outcome } from '../queue/agent-port.ts';
import type { HubMetrics } from '../telemetry/hub-metrics.ts';
import type { Log } from '../telemetry/log.ts';
import { withFields } from '../telemetry/request-context.ts';
import type { ProgressBoard } from './progress-board.ts';

export interface AttemptLogParts {
  readonly catalogue: Catalogue;
  readonly board: ProgressBoard;
  readonly log: Log;
  readonly metrics: HubMetrics;
  readonly now: () => number;
}

/** One line and one count for every attempt that ended. */
export class AttemptLog {
  readonly #parts: AttemptLogParts;

  constructor(parts: AttemptLogParts) {
    this.#parts = parts;
  }

  ended(task: Task, outcome: Outcome, again: boolean): void {
    const { catalogue, board, log, metrics, now } = this.#parts;
    board.clear(task.id);
    const { kind, storeId, imageId, jobId } = task;
    const { requestId } = catalogue.jobs.get(jobId);
    const seconds = Math.max(0, now() - task.updatedAtMs) / 1000;
    withFields({ requestId, jobId, taskId: task.id, imageId, storeId }, () => {
      const fields = { kind, attempt: task.attempt, seconds, ...outcome.traffic };
      if (outcome.kind !== 'failed') log.info(fields, `${kind} at ${storeId} is done`);
      else {
        const { code, message } = outcome.reason;
        log.warn({ ...fields, code, again }, `${kind} at ${storeId} failed: ${message}`);
      }
    });
    metrics.transferred(storeId, outcome.traffic);
    if (outcome.kind === 'failed') {
      const ended = again ? 'retried' : outcome.reason.code === 'CANCELLED' ? 'cancelled' : 'failed';
      metrics.taskEnded(kind, ended, outcome.reason.code);
      return;
    }
    metrics.taskEnded(kind, 'done', '');
    metrics.transferTook(storeId, kind, seconds);
  }
}
