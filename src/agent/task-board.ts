import { NO_TRAFFIC, type Progress, type Traffic } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import type { AgentMessage } from '../rpc/generated/entrepot/v1/AgentMessage.ts';
import type { ImageLocks } from './image-locks.ts';
import { LiveTicket } from './live-ticket.ts';
import {
  type Assignment,
  type AttemptKey,
  type Outcome,
  progressMessage,
  type Result,
  resultMessage,
} from './messages.ts';
import { ProgressTeller } from './progress-teller.ts';

/** What a task gets to work with. */
export interface Run {
  /** Its reason is the Refusal that tells why: cancelled, replaced by a later attempt, agent stopping. */
  readonly signal: AbortSignal;
  /** The ticket of a copy. */
  readonly ticket: LiveTicket;
  /** Counted into as it goes: what a failed attempt has moved is reported too. */
  readonly traffic: Counts;
  /** To be called after `traffic` was. */
  readonly onProgress: (progress: Progress) => void;
}

type Counts = { -readonly [Key in keyof Traffic]: number };

export interface Done {
  readonly outcome: Outcome;
  readonly traffic: Traffic;
}

/** Does the work of one assignment and cleans up after itself before it rejects. Runs alone on its image. */
export type Perform = (assignment: Assignment, run: Run) => Promise<Done>;

/** Who sees tasks come and go: log and metrics. */
export interface TaskObserver {
  started(assignment: Assignment): void;
  progressed(assignment: Assignment, progress: Progress, traffic: Traffic, phaseChanged: boolean): void;
  ended(assignment: Assignment, result: Result): void;
  ignored(key: AttemptKey, why: string): void;
  /** Runs `work` with the task's ids in the log context. */
  inContext<T>(assignment: Assignment, work: () => Promise<T>): Promise<T>;
}

export interface TaskBoardParts {
  readonly perform: Perform;
  readonly locks: ImageLocks;
  readonly observer: TaskObserver;
  /**
   * To the hub, if it is there; what it misses while it is away is said by `unheard`. False: not taken, since
   * the way there is full. Results always are.
   */
  readonly tell: (message: AgentMessage) => boolean;
  readonly now: () => number;
}

/** The newest attempt of a task: at work until `result` is set, then waiting for the hub to keep it. */
interface Entry {
  readonly assignment: Assignment;
  readonly abort: AbortController;
  readonly ticket: LiveTicket;
  readonly traffic: Counts;
  readonly progress: ProgressTeller;
  result: Result | undefined;
  /** Work and cleaning up are over. Never rejects. */
  settled: Promise<void>;
}

/**
 * What the hub asked for and has not yet heard the end of. Lives longer than any stream to the
 * hub: a task runs on while the hub is away, and its result is kept until the hub has it on disk.
 */
export class TaskBoard {
  readonly #parts: TaskBoardParts;
  readonly #entries = new Map<string, Entry>();
  #stopping: Refusal | undefined;

  constructor(parts: TaskBoardParts) {
    this.#parts = parts;
  }

  /** Attempts at work, and those whose result is not yet kept. */
  attempts(): AttemptKey[] {
    return [...this.#entries.values()].map(({ assignment }) => keyOf(assignment));
  }

  /** What a hub that has just come back must hear: results it may have missed, and where the rest stands. */
  unheard(): AgentMessage[] {
    return [...this.#entries.values()].flatMap((entry) => {
      if (entry.result) return [resultMessage(entry.result)];
      const { newest } = entry.progress;
      return newest ? [progressMessage(entry.assignment, newest)] : [];
    });
  }

  /** The images that come in now, and how far they are. */
  underWay(): { readonly imageId: string; readonly doneBytes: number; readonly sizeBytes: number }[] {
    return [...this.#entries.values()].flatMap(({ assignment: { imageId, work }, progress, result }) => {
      const { newest } = progress;
      if (!newest || result || work.kind === 'delete') return [];
      return [{ imageId, doneBytes: newest.doneBytes, sizeBytes: newest.totalBytes }];
    });
  }

  /** Is a task at work on this image, or waiting for its turn? */
  uses(imageId: string): boolean {
    return [...this.#entries.values()].some((e) => e.assignment.imageId === imageId && !e.result);
  }

  /** Starts an attempt, unless it is known already. A later attempt takes an earlier one's place. */
  assign(assignment: Assignment): void {
    if (this.#stopping) {
      this.#parts.observer.ignored(assignment, 'the agent is stopping');
      return;
    }
    const known = this.#entries.get(assignment.taskId);
    if (known && known.assignment.attempt >= assignment.attempt) {
      const same = known.assignment.attempt === assignment.attempt;
      this.#parts.observer.ignored(assignment, same ? 'it is known already' : 'a later attempt is known');
      if (same && known.result) this.#parts.tell(resultMessage(known.result));
      else if (same) renewWith(known, ticketOf(assignment));
      return;
    }
    const { tell, now } = this.#parts;
    known?.abort.abort(new Refusal('CONFLICT', `replaced by attempt ${assignment.attempt}`));
    const entry: Entry = {
      assignment,
      abort: new AbortController(),
      ticket: new LiveTicket(ticketOf(assignment)),
      traffic: { ...NO_TRAFFIC },
      progress: new ProgressTeller({
        tell: (progress) =>
          this.#entries.get(assignment.taskId) !== entry || tell(progressMessage(assignment, progress)),
        now,
      }),
      result: undefined,
      settled: Promise.resolve(),
    };
    this.#entries.set(assignment.taskId, entry);
    // On the same image: it gets its turn when the earlier attempt has settled.
    entry.settled = this.#work(entry);
  }

  /** A ticket in place of the one an attempt has. False when that attempt is not at work here. */
  renewTicket({ taskId, attempt }: AttemptKey, ticket: string): boolean {
    const entry = this.#entries.get(taskId);
    if (entry?.assignment.attempt !== attempt || entry.result) return false;
    renewWith(entry, ticket);
    return true;
  }

  /** Stops an attempt; its result says how it ended. One that is not here is reported cancelled at once. */
  cancel(key: AttemptKey): void {
    const entry = this.#entries.get(key.taskId);
    const here = entry?.assignment.attempt ?? 0;
    if (entry && here === key.attempt) {
      if (entry.result) this.#parts.tell(resultMessage(entry.result));
      else entry.abort.abort(new Refusal('CANCELLED', 'cancelled at the hub'));
    } else if (here > key.attempt) {
      this.#parts.observer.ignored(key, 'a later attempt is known');
    } else {
      const refusal = new Refusal('CANCELLED', 'cancelled before it began');
      this.#parts.tell(
        resultMessage({
          ...keyOf(key),
          outcome: { kind: 'failed', refusal },
          traffic: NO_TRAFFIC,
          seconds: 0,
        }),
      );
    }
  }

  /** The hub has the result on disk: forget it. */
  kept(key: AttemptKey): void {
    const entry = this.#entries.get(key.taskId);
    if (entry?.result && entry.assignment.attempt === key.attempt) this.#entries.delete(key.taskId);
  }

  /**
   * Takes nothing more on, stops what runs for `reason`, and waits until all has settled. What
   * was stopped is not reported: the hub sees the agent go, and hands the task out again when
   * it is back. What ended well in that time is.
   */
  async stop(reason: Refusal): Promise<void> {
    this.#stopping = reason;
    const entries = [...this.#entries.values()];
    for (const entry of entries) entry.abort.abort(reason);
    await Promise.all(entries.map((entry) => entry.settled));
  }

  async #work(entry: Entry): Promise<void> {
    const { assignment, abort } = entry;
    const { locks, observer, perform, now } = this.#parts;
    const result = await locks.run(assignment.imageId, () =>
      observer.inContext(assignment, async () => {
        observer.started(assignment);
        const startedAtMs = now();
        const run: Run = {
          signal: abort.signal,
          ticket: entry.ticket,
          traffic: entry.traffic,
          onProgress: (progress) => this.#progressed(entry, progress),
        };
        const done = await perform(assignment, run).catch((error: unknown) => failed(error, entry));
        const seconds = Math.max(0, now() - startedAtMs) / 1000;
        const result = { ...keyOf(assignment), ...done, seconds };
        observer.ended(assignment, result);
        return result;
      }),
    );
    entry.result = result;
    entry.progress[Symbol.dispose]();
    if (this.#entries.get(assignment.taskId) !== entry) return;
    if (this.#stopping && result.outcome.kind === 'failed') this.#entries.delete(assignment.taskId);
    else this.#parts.tell(resultMessage(result));
  }

  #progressed(entry: Entry, progress: Progress): void {
    const phaseChanged = entry.progress.report(progress);
    this.#parts.observer.progressed(entry.assignment, progress, entry.traffic, phaseChanged);
  }
}

function keyOf({ taskId, attempt }: AttemptKey): AttemptKey {
  return { taskId, attempt };
}

function ticketOf({ work }: Assignment): string {
  return work.kind === 'copy' ? work.ticket : '';
}

function renewWith({ ticket }: Entry, text: string): void {
  if (text !== '') ticket.renew(text);
}

/**
 * Why it failed: what stopped it, if it was stopped, else what was thrown. CANCELLED is the hub's
 * word to end a task for good; a peer that left in the middle is not that.
 */
function failed(error: unknown, entry: Entry): Done {
  const { signal } = entry.abort;
  const thrown = Refusal.from(signal.aborted ? signal.reason : error);
  const refusal =
    thrown.code === 'CANCELLED' && !signal.aborted
      ? new Refusal('UNAVAILABLE', `broken off: ${thrown.message}`, { cause: thrown })
      : thrown;
  return { outcome: { kind: 'failed', refusal }, traffic: { ...entry.traffic } };
}
