import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Refusal } from '../domain/refusal.ts';
import { brokenOff, late } from './failures.ts';

/**
 * The answer to one request, and its connection. Nothing is read ahead of the consumer but what Node's buffers of
 * the message and the connection take: about 256 KiB, and 512 KiB at most. The rest waits in the kernel's receive
 * buffer (`net.ipv4.tcp_rmem`), and then at the server.
 */
export class Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly #url: URL;
  readonly #message: IncomingMessage;
  readonly #stallMs: number;
  readonly #signal: AbortSignal;
  readonly #onAbort = () => this.#fail(Refusal.from(this.#signal.reason));
  /** What had come when the connection broke. */
  readonly #rescued: Buffer[] = [];
  #failure: Error | undefined;
  #wake: () => void = () => {};

  /** Made while the message's `response` event is being told: later, events could have passed. */
  constructor(url: URL, message: IncomingMessage, stallMs: number, signal: AbortSignal) {
    this.status = message.statusCode ?? 0;
    this.headers = message.headers;
    this.#url = url;
    this.#message = message;
    this.#stallMs = stallMs;
    this.#signal = signal;
    const wake = () => this.#wake();
    message.on('readable', wake).on('end', wake).on('close', wake);
    // Before Node's own listener, which throws away the rest when the message is not complete: those bytes would
    // be fetched a second time.
    message.socket.prependListener('close', () => this.#rescue());
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /**
   * The next bytes of the body; undefined after the last. TransientError when the connection breaks or nothing
   * comes for too long, and what the signal aborted with.
   */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const bytes = this.#rescued.shift() ?? this.#read();
      if (bytes !== undefined) return bytes;
      if (this.#message.readableEnded) return undefined;
      if (this.#message.destroyed) throw brokenOff(this.#url);
      await this.#change();
    }
  }

  /** Ends the connection. May be called twice. */
  close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#rescued.length = 0;
    this.#message.socket.destroy();
    this.#message.destroy();
    this.#failure ??= new Refusal('CANCELLED', 'the answer was closed while it was read');
    this.#wake();
  }

  #read(): Buffer | undefined {
    if (this.#message.destroyed) return undefined;
    return (this.#message.read() as Buffer | null) ?? undefined;
  }

  #rescue(): void {
    for (let bytes = this.#read(); bytes !== undefined; bytes = this.#read()) this.#rescued.push(bytes);
  }

  #fail(failure: Error): void {
    this.#failure ??= failure;
    this.close();
  }

  /** Until something has happened to the message, or nothing for too long. */
  async #change(): Promise<void> {
    const changed = Promise.withResolvers<void>();
    this.#wake = changed.resolve;
    const timer = setTimeout(
      () => this.#fail(late(this.#url, 'nothing more came', this.#stallMs)),
      this.#stallMs,
    );
    await changed.promise;
    clearTimeout(timer);
  }
}
