import type { Readable } from 'node:stream';
import type { Refusal } from '../domain/refusal.ts';

/**
 * Messages of a call that may lie in memory between grpc-js and their consumer, besides the
 * HTTP/2 window. One to work on, one to come: a message is 1 MiB.
 */
export const READ_AHEAD_MESSAGES = 2;

/** Messages a producer may hand over before the first of them is on its way. */
export const WRITE_AHEAD_MESSAGES = 4;

/** How a call that ended before its time tells readers and writers. */
export interface CallEnd {
  /** Why the call is over; undefined while it runs and after it ended well. */
  readonly refusal: Refusal | undefined;
  /** Called once, at most, when `refusal` is set. */
  onRefusal(listener: () => void): void;
}

/** The one place where a call's failure is kept; the first one counts. */
export class CallFailure implements CallEnd {
  #refusal: Refusal | undefined;
  readonly #listeners: (() => void)[] = [];

  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  onRefusal(listener: () => void): void {
    if (this.#refusal === undefined) this.#listeners.push(listener);
    else listener();
  }

  fail(refusal: Refusal): void {
    if (this.#refusal !== undefined) return;
    this.#refusal = refusal;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}

/**
 * The messages of a call, in order. Throws the call's Refusal as soon as there is one.
 * Reads ahead READ_AHEAD_MESSAGES: grpc-js makes its streams with Node's default for
 * objects, 16, which at 1 MiB a message is more than the window.
 */
export async function* readMessages<Message>(
  stream: Readable,
  end: CallEnd,
  onMessage: () => void = () => {},
): AsyncGenerator<Message, void, undefined> {
  limitReadAhead(stream);
  let wake: () => void = () => {};
  const onEvent = () => wake();
  for (const event of ['readable', 'end', 'close', 'error']) stream.on(event, onEvent);
  end.onRefusal(onEvent);
  for (;;) {
    if (end.refusal !== undefined) throw end.refusal;
    const message = stream.read() as Message | null;
    if (message !== null) {
      onMessage();
      yield message;
    } else if (stream.readableEnded) {
      return;
    } else {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
}

/** There is no option for it, and nothing public to set it by afterwards; a test measures that it works. */
function limitReadAhead(stream: Readable): void {
  const { _readableState: state } = stream as unknown as { _readableState: { highWaterMark: number } };
  state.highWaterMark = READ_AHEAD_MESSAGES;
}

/** What a call's stream offers for writing. */
interface MessageSink<Message> {
  write(message: Message, sent: () => void): boolean;
}

/**
 * Writes messages to a call, at most WRITE_AHEAD_MESSAGES of them in memory. Counts the ones
 * that HTTP/2 has not taken: the high-water mark of grpc-js's streams would let 16 pile up.
 */
export class MessageWriter<Message> {
  readonly #sink: MessageSink<Message>;
  readonly #end: CallEnd;
  #unsent = 0;
  #waiting: (() => void)[] = [];

  constructor(sink: MessageSink<Message>, end: CallEnd) {
    this.#sink = sink;
    this.#end = end;
    end.onRefusal(() => this.#wake());
  }

  /** Settles when the next message may come; rejects with the call's Refusal when it is over. */
  async write(message: Message): Promise<void> {
    this.#check();
    this.#unsent++;
    this.#sink.write(message, () => {
      this.#unsent--;
      this.#wake();
    });
    while (this.#unsent >= WRITE_AHEAD_MESSAGES) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      this.#check();
    }
  }

  #check(): void {
    if (this.#end.refusal !== undefined) throw this.#end.refusal;
  }

  #wake(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
