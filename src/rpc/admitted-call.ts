import type { ServerHttp2Stream } from 'node:http2';
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerMethodDefinition,
} from '@grpc/grpc-js';
import { Refusal } from '../domain/refusal.ts';
import type { Caller } from '../domain/rules/rights.ts';
import { type Connection, cutStream } from './connection.ts';
import type { Opening } from './connections.ts';
import type { ServerLimits } from './limits.ts';
import { statusOf } from './status.ts';

type Listener = Parameters<ServerInterceptingCall['start']>[0];

// biome-ignore lint/suspicious/noExplicitAny: messages pass through here, whatever they are
export type AnyServerMethod = ServerMethodDefinition<any, any>;

/** What the gate found out about a call before it let it pass. */
export interface Pass {
  readonly caller: Caller;
  /** The caller's, or one of ours. */
  readonly requestId: string;
  /** Its place among the calls under way. */
  readonly place: Disposable;
}

export interface AdmittedCallSettings {
  readonly opening: Opening;
  readonly method: AnyServerMethod;
  readonly limits: ServerLimits;
  /** Decides over the call by its metadata, before its first message is read. Throws a Refusal. */
  readonly admit: (metadata: Metadata) => Pass;
  /** Told once, when the call is over, whichever way. */
  readonly onOver: () => void;
}

/**
 * A call as the server's gate sees it, between grpc-js and its handler: refused before the handler
 * hears of it, or watched until it is over. Whoever takes nothing or says nothing is given up.
 */
export class AdmittedCall extends ServerInterceptingCall {
  readonly path: string;
  readonly #settings: AdmittedCallSettings;
  readonly #stream: ServerHttp2Stream;
  #pass: Pass | undefined;
  #abort: ((reason: Refusal) => void) | undefined;
  /** Why it was ended from here. */
  #reason: Refusal | undefined;
  #endedAtMs: number | undefined;
  #isOver = false;
  /** Since when a message is asked for and does not come. */
  #silentSinceMs: number | undefined;
  /** Since when a message is to be sent and is not taken: grpc-js gives one at a time. */
  #sendingSinceMs: number | undefined;

  constructor(next: ServerInterceptingCallInterface, settings: AdmittedCallSettings) {
    super(next);
    this.#settings = settings;
    this.path = settings.method.path;
    this.#stream = settings.opening.stream;
  }

  get pass(): Pass {
    if (this.#pass === undefined) throw new Error('the call has not been admitted');
    return this.#pass;
  }

  /** It came on this one. */
  get connection(): Connection {
    return this.#settings.opening.connection;
  }

  /** Why the call was ended from this side; undefined while it was not. */
  get reason(): Refusal | undefined {
    return this.#reason;
  }

  /** The handler's own way to end: it is told the reason, and answers with it. */
  onEnd(abort: (reason: Refusal) => void): void {
    this.#abort = abort;
  }

  /** Ends the call with `reason`. A handler that does not end is cut off after `abortMs`. */
  end(reason: Refusal): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#endedAtMs = performance.now();
    if (this.#abort === undefined) this.sendStatus(statusOf(reason));
    else this.#abort(reason);
  }

  /** Ends it when the caller was silent, or took nothing, for too long. */
  sweep(nowMs: number): void {
    const { abortMs, stallMs } = this.#settings.limits;
    if (this.#endedAtMs !== undefined) {
      if (nowMs - this.#endedAtMs > abortMs) this.#cut();
      return;
    }
    const silentMs = nowMs - (this.#silentSinceMs ?? nowMs);
    if (silentMs > this.#patienceMs) this.end(silence(silentMs));
    else if (nowMs - (this.#sendingSinceMs ?? nowMs) > stallMs) this.end(stall(stallMs));
  }

  /** How long a message of the caller may be waited for. */
  get #patienceMs(): number {
    const { requestMs, requestOfNobodyMs, silenceMs } = this.#settings.limits;
    if (this.pass.caller.kind === 'nobody') return requestOfNobodyMs;
    return this.#settings.method.requestStream ? silenceMs : requestMs;
  }

  override start(listener: Listener): void {
    super.start({
      onReceiveMetadata: (metadata) => {
        try {
          this.#pass = this.#settings.admit(metadata);
        } catch (error) {
          this.sendStatus(statusOf(Refusal.from(error)));
          return;
        }
        listener.onReceiveMetadata(metadata);
      },
      onReceiveMessage: (message) => {
        this.#silentSinceMs = undefined;
        listener.onReceiveMessage(message);
      },
      onReceiveHalfClose: () => {
        this.#silentSinceMs = undefined;
        listener.onReceiveHalfClose();
      },
      onCancel: () => {
        this.#over();
        listener.onCancel();
      },
    });
  }

  override startRead(): void {
    this.#silentSinceMs ??= performance.now();
    super.startRead();
  }

  override sendMessage(message: unknown, sent: () => void): void {
    this.#sendingSinceMs = performance.now();
    super.sendMessage(message, () => {
      this.#sendingSinceMs = undefined;
      sent();
    });
  }

  /** What waits to be sent stands before the status: without a caller who takes it, that never leaves. */
  #cut(): void {
    if (this.#reason !== undefined) this.sendStatus(statusOf(this.#reason));
    setImmediate(() => cutStream(this.#stream));
  }

  /** grpc-js says 'cancelled' of every call that is over, also of those that ended well. */
  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pass?.place[Symbol.dispose]();
    this.#settings.onOver();
  }
}

function silence(silentMs: number): Refusal {
  return new Refusal('TIMEOUT', `the caller has said nothing for ${Math.round(silentMs / 1000)} s`, {
    hint: 'an upload must not pause for that long: let its source be a file, or faster',
  });
}

function stall(stallMs: number): Refusal {
  return new Refusal('TIMEOUT', `the caller has taken nothing for ${Math.round(stallMs / 1000)} s`);
}
