import { Refusal } from '../domain/refusal.ts';
import type { FrameSource } from '../transfer/frames.ts';
import { unlessAborted } from '../transfer/in-flight.ts';
import { JoinedFrames, type Line } from './joined-frames.ts';
import type { AttemptKey } from './messages.ts';
import { within } from './within.ts';

/** How long a copy waits for its source to dial, and a source that dialled for its copy to be ready. */
const RENDEZVOUS_MS = 30_000;

/** Sources that may wait at a time; far more than a hub would send. */
const MAX_WAITING_SOURCES = 64;

export interface PushKey extends AttemptKey {
  readonly imageId: string;
}

/** A connection of a source. */
export interface Delivering {
  readonly frames: Line;
  /** On how many the source says that it delivers. */
  readonly connections: number;
  /** Told when it is taken for one of them, and its copy is there. */
  readonly onJoined: () => void;
}

interface Meeting {
  copyIsHere: boolean;
  /** Connections of the source that are here at this moment. */
  sourcesHere: number;
  /** As the first of them said. */
  connections: number;
  readonly frames: JoinedFrames;
  readonly copyCame: PromiseWithResolvers<void>;
  readonly sourceCame: PromiseWithResolvers<void>;
  /** The copy no longer needs the source. */
  readonly over: PromiseWithResolvers<void>;
}

/**
 * Brings together a copy that waits for its source and the source that dials it, on one connection or
 * several. Either may come first: the hub tells both at the same moment.
 */
export class PushSessions {
  readonly #windowBytes: number;
  readonly #rendezvousMs: number;
  readonly #meetings = new Map<string, Meeting>();

  /** @param windowBytes that a source may send ahead, on all its connections together */
  constructor(windowBytes: number, rendezvousMs = RENDEZVOUS_MS) {
    this.#windowBytes = windowBytes;
    this.#rendezvousMs = rendezvousMs;
  }

  /**
   * The copy's side: runs `work` with what the source delivers. UNAVAILABLE naming the
   * source's store when it does not dial in time.
   */
  async receive<T>(
    key: PushKey,
    sourceStoreId: string,
    signal: AbortSignal,
    work: (frames: FrameSource) => Promise<T>,
  ): Promise<T> {
    const meeting = this.#meet(key);
    meeting.copyIsHere = true;
    meeting.copyCame.resolve();
    try {
      const tooLate = () =>
        new Refusal('UNAVAILABLE', `store ${sourceStoreId} did not dial to deliver the image`, {
          hint: `is the agent of ${sourceStoreId} up, and can it reach the transfer address of this one?`,
        });
      await within(meeting.sourceCame.promise, this.#rendezvousMs, signal, tooLate);
      return await work(meeting.frames);
    } finally {
      meeting.over.resolve();
      this.#forget(key, meeting);
    }
  }

  /**
   * The source's side, for each of its connections: settles when the copy is done with the frames. NOT_FOUND when
   * no copy waits for them, ALREADY_EXISTS when there are as many connections as the first one said, INVALID
   * when this one says otherwise.
   */
  async deliver(
    key: PushKey,
    { frames, connections, onJoined }: Delivering,
    signal: AbortSignal,
  ): Promise<void> {
    const meeting = this.#meet(key);
    if (meeting.frames.size === 0) meeting.connections = connections;
    if (connections !== meeting.connections) {
      throw new Refusal('INVALID', `this attempt is delivered on ${meeting.connections} connections`);
    }
    if (meeting.frames.size >= connections) {
      throw new Refusal('ALREADY_EXISTS', 'this attempt is being delivered already');
    }
    meeting.frames.add(frames);
    meeting.sourcesHere += 1;
    meeting.sourceCame.resolve();
    try {
      if (!meeting.copyIsHere) await this.#awaitCopy(key, meeting, signal);
      onJoined();
      await unlessAborted(meeting.over.promise, signal);
    } finally {
      meeting.sourcesHere -= 1;
      if (meeting.sourcesHere === 0) this.#forget(key, meeting);
    }
  }

  async #awaitCopy(key: PushKey, meeting: Meeting, signal: AbortSignal): Promise<void> {
    const waiting = [...this.#meetings.values()].filter(({ copyIsHere }) => !copyIsHere).length;
    if (waiting > MAX_WAITING_SOURCES) throw new Refusal('UNAVAILABLE', 'too many deliveries wait here');
    await within(meeting.copyCame.promise, this.#rendezvousMs, signal, () => {
      return new Refusal('NOT_FOUND', `no copy of image ${key.imageId} waits here for a delivery`);
    });
  }

  #meet(key: PushKey): Meeting {
    const known = this.#meetings.get(nameOf(key));
    if (known) return known;
    const meeting: Meeting = {
      copyIsHere: false,
      sourcesHere: 0,
      connections: 1,
      frames: new JoinedFrames(this.#windowBytes),
      copyCame: Promise.withResolvers(),
      sourceCame: Promise.withResolvers(),
      over: Promise.withResolvers(),
    };
    this.#meetings.set(nameOf(key), meeting);
    return meeting;
  }

  #forget(key: PushKey, meeting: Meeting): void {
    if (this.#meetings.get(nameOf(key)) === meeting) this.#meetings.delete(nameOf(key));
  }
}

function nameOf({ taskId, attempt, imageId }: PushKey): string {
  return JSON.stringify([taskId, attempt, imageId]);
}
