import { type CallOptions as GrpcCallOptions, Metadata, type ServiceError } from '@grpc/grpc-js';
import { Refusal } from '../domain/refusal.ts';
import { currentFields } from '../telemetry/request-context.ts';
import type { Channel } from './channel.ts';
import { AUTHORIZATION_KEY, REQUEST_ID_KEY } from './limits.ts';
import { abortRefusal, refusalOf } from './status.ts';
import { CallFailure } from './streams.ts';

export interface CallOptions {
  /** Ends the call with TIMEOUT. Unary calls: CALL_TIMEOUT_MS when left out; streams: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Ends the call with its reason when that is a Refusal, otherwise with CANCELLED. */
  readonly signal?: AbortSignal | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Any call of grpc-js, once it has been made. */
interface RawCall {
  cancel(): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'status', listener: () => void): unknown;
}

type Settling<Reply> = Pick<PromiseWithResolvers<Reply>, 'resolve' | 'reject'>;

/** What all kinds of calls have in common at the caller's side: how they begin, and all the ways they end. */
export class OutgoingCall {
  /** Set when the call failed: its messages end with this. */
  readonly reading = new CallFailure();
  /** Set when the call is over, also when it ended well: nothing can be written any more. */
  readonly writing = new CallFailure();
  readonly #channel: Channel;
  readonly #options: CallOptions;
  #raw: RawCall | undefined;
  #ended = false;
  #release: () => void = () => {};

  constructor(channel: Channel, options: CallOptions) {
    this.#channel = channel;
    this.#options = options;
  }

  /** Makes the call. Throws the signal's Refusal when it is aborted already. */
  open<Call extends RawCall>(make: (metadata: Metadata, options: GrpcCallOptions) => Call): Call {
    const { signal, timeoutMs } = this.#options;
    if (signal?.aborted) throw abortRefusal(signal);
    const raw = this.#make(make, timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs });
    this.#raw = raw;
    const tracked = this.#channel.track(this);
    const onAbort = () => signal && this.cancel(abortRefusal(signal));
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#release = () => {
      signal?.removeEventListener('abort', onAbort);
      tracked[Symbol.dispose]();
    };
    raw.on('error', (error) => this.#fail(this.#refusalOf(error)));
    raw.on('status', () => this.#over());
    return raw;
  }

  /** For grpc-js to settle an answer with. */
  settle<Reply>({ resolve, reject }: Settling<Reply>): (error: ServiceError | null, reply?: Reply) => void {
    return (error, reply) => {
      if (error === null) return resolve(reply as Reply);
      // A call that was cancelled from here ends with the reason for that.
      this.#fail(this.#refusalOf(error));
      return reject(this.reading.refusal);
    };
  }

  /** Ends the call at both sides, unless it has ended; here with `refusal`. */
  cancel(refusal = new Refusal('CANCELLED', 'cancelled')): void {
    if (this.#ended) return;
    this.#fail(refusal);
    this.#raw?.cancel();
    this.#release();
  }

  #refusalOf(error: unknown): Refusal {
    return refusalOf(error, this.#channel.peer, this.#options.timeoutMs);
  }

  #make<Call>(make: (metadata: Metadata, options: GrpcCallOptions) => Call, options: GrpcCallOptions): Call {
    try {
      return make(metadataOf(this.#options, this.#channel.bearer), options);
    } catch (error) {
      // grpc-js throws when the channel has been closed.
      throw new Refusal('CANCELLED', `the connection to ${this.#channel.peer} is closed`, { cause: error });
    }
  }

  #fail(refusal: Refusal): void {
    this.reading.fail(refusal);
    this.writing.fail(refusal);
  }

  #over(): void {
    this.#ended = true;
    this.#release();
    this.writing.fail(new Refusal('CONFLICT', `${this.#channel.peer} has ended the call`));
  }
}

function metadataOf({ metadata = {} }: CallOptions, bearer: string | undefined): Metadata {
  const result = new Metadata();
  if (bearer !== undefined) result.set(AUTHORIZATION_KEY, `Bearer ${bearer}`);
  const { requestId } = currentFields();
  if (requestId !== undefined) result.set(REQUEST_ID_KEY, requestId);
  for (const [key, value] of Object.entries(metadata)) result.set(key, value);
  return result;
}
