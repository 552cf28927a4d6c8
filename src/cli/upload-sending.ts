import { setTimeout as sleep } from 'node:timers/promises';
import { CHUNK_BYTES, chunkLength } from '../domain/chunk.ts';
import { Refusal, type RefusalCode } from '../domain/refusal.ts';
import { refusalOf } from '../transfer/in-flight.ts';
import type { HubConnection } from './hub-connection.ts';
import type { LocalImage } from './local-image.ts';
import { type BytesBefore, beginsWith, type LookedInto, UploadCall } from './upload-call.ts';

/** Between two tries to go on with an upload that broke off. */
const REDIAL_MS = 1000;

/** What passes by itself: the hub or the agent is away. RATE_LIMITED: the hub may not know yet that the call before is over. */
const PASSING: ReadonlySet<RefusalCode> = new Set(['UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED']);

function isPassing({ code }: Refusal): boolean {
  return PASSING.has(code);
}

/** What the hub says while another call of the same job is open; after a break that may be the one before. */
export function isStillOpen({ code, message }: Refusal): boolean {
  return code === 'CONFLICT' && message.includes('already being uploaded to');
}

export type SendingPhase = 'waiting' | 'comparing' | 'sending' | 'finishing' | 'sent';

export interface SendingOptions {
  readonly hub: HubConnection;
  readonly source: LocalImage;
  /** Where the file may hold data; the rest is not sent. */
  readonly chunks: readonly number[];
  readonly jobId: string;
  readonly imageId: string;
  /** Whether the bytes that are there may be of another file, being from an earlier run. */
  readonly isOlder: boolean;
  /** A call that is open, and was found to be about this file. Disposed of when it has ended. */
  readonly looked: LookedInto | undefined;
  /** How long after a break no byte and no word may come. Milliseconds. */
  readonly awayMs: number;
  /** Whether the hub knows why nothing comes, as that the job is paused; then nobody loses patience. */
  readonly isHeld: () => boolean;
  /** `doneBytes`: of the phase; of `comparing` those of `before`, else of the data. */
  readonly onProgress: (phase: SendingPhase, doneBytes: number, totalBytes: number) => void;
  /** A sentence for a person, once for each break. */
  readonly onNote: (sentence: string) => void;
}

/** Nothing has come for too long: what is there is left for another run. */
export class BrokenOff extends Error {
  override readonly name = 'BrokenOff';
  override readonly cause: Refusal;

  constructor(cause: Refusal) {
    super(cause.message, { cause });
    this.cause = cause;
  }
}

/** The bytes of a file on their way to a job: over as many calls as it takes, each going on where the agent is. */
export class Sending {
  /** Of the file that may be data. */
  readonly totalBytes: number;
  readonly #options: SendingOptions;
  #looked: LookedInto | undefined;
  #doneBytes = 0;
  #calls = 0;
  #isBroken = false;
  #keepsBytes = false;
  #allSent = false;
  #heardAtMs = 0;

  constructor(options: SendingOptions) {
    this.#options = options;
    this.#looked = options.looked;
    this.totalBytes = this.#dataBytes(options.chunks);
  }

  /** Whether the agent has anything of this file, as far as is known. */
  get keepsBytes(): boolean {
    return this.#keepsBytes;
  }

  /**
   * Sends what the agent lacks until it has all. A call that breaks off is made again, until nothing has come for
   * `awayMs`: then BrokenOff. CONFLICT when the bytes that are there are not the file's, or it changes; CORRUPT when
   * they are not those that this run has sent. Else what the hub refused. May be called again when the agent asks again.
   */
  async run(signal: AbortSignal): Promise<void> {
    this.#isBroken = false;
    for (;;) {
      const failure = await this.#try(signal);
      if (failure === undefined) return;
      if (signal.aborted || !this.#isBreak(failure)) throw failure;
      // Before, somebody was there, however slow, or held up.
      if (!this.#isBroken) this.#heardAtMs = Date.now();
      if (Date.now() - this.#heardAtMs >= this.#options.awayMs) throw new BrokenOff(failure);
      this.#showWaiting();
      if (!this.#isBroken) this.#options.onNote(`${failure.message}; the upload goes on as soon as it can`);
      this.#isBroken = true;
      await sleep(REDIAL_MS, undefined, { signal });
    }
  }

  /** One call; what it failed with. */
  async #try(signal: AbortSignal): Promise<Refusal | undefined> {
    const looked = this.#looked;
    this.#looked = undefined;
    const call = looked?.call ?? UploadCall.open(this.#options.hub, this.#options.jobId);
    const onAbort = () => call.abort(refusalOf(signal));
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    try {
      const before = looked?.before ?? (await this.#firstReply(call));
      if (looked === undefined) await this.#requireSame(before, signal);
      await this.#send(call, before);
      return undefined;
    } catch (error) {
      return Refusal.from(error);
    } finally {
      this.#calls++;
      signal.removeEventListener('abort', onAbort);
      await call[Symbol.asyncDispose]();
    }
  }

  #isBreak(failure: Refusal): boolean {
    // On a job of this run nobody else has business for long: somebody looks whether it is one to go on with.
    const isOurs = this.#calls > 1 || !this.#options.isOlder;
    return isPassing(failure) || (isOurs && isStillOpen(failure));
  }

  /** At first as long as it takes, as the job may be far back in its queue. After a break the agent has `awayMs` to come back. */
  async #firstReply(call: UploadCall): Promise<BytesBefore> {
    const { awayMs, isHeld } = this.#options;
    this.#showWaiting();
    const look = () => {
      if (isHeld()) this.#heardAtMs = Date.now();
      if (Date.now() - this.#heardAtMs < awayMs) return;
      call.abort(new Refusal('UNAVAILABLE', `no agent has gone on with the upload for ${awayMs / 1000} s`));
    };
    const timer = this.#isBroken ? setInterval(look, REDIAL_MS) : undefined;
    try {
      const before = await call.before();
      this.#isBroken = false;
      return before;
    } finally {
      clearInterval(timer);
    }
  }

  #showWaiting(): void {
    // Once all was sent the agent has it, until it says otherwise.
    if (!this.#allSent) this.#options.onProgress('waiting', this.#doneBytes, this.totalBytes);
  }

  async #requireSame(before: BytesBefore, signal: AbortSignal): Promise<void> {
    const { source, imageId, jobId, onProgress, isOlder } = this.#options;
    const onCompared = (doneBytes: number) => onProgress('comparing', doneBytes, before.sizeBytes);
    if (await beginsWith(source, before, { signal, onProgress: onCompared })) return;
    const had = `the ${before.sizeBytes} bytes that image ${imageId} has`;
    if (isOlder && !this.#keepsBytes) {
      throw new Refusal('CONFLICT', `${had} were of another file than ${source.path}`, {
        hint: `\`entrepot job cancel ${jobId}\` gives that upload up`,
      });
    }
    throw new Refusal('CORRUPT', `${had} are not what was sent of ${source.path}`, {
      hint: 'try again; if it happens twice, the disk of the agent or of this machine is damaged',
    });
  }

  async #send(call: UploadCall, before: BytesBefore): Promise<void> {
    const { chunks, source, onProgress } = this.#options;
    this.#allSent = false;
    const missing = chunks.filter((index) => index * CHUNK_BYTES >= before.sizeBytes);
    this.#doneBytes = this.totalBytes - this.#dataBytes(missing);
    if (before.sizeBytes > 0) this.#keepsBytes = true;
    onProgress('sending', this.#doneBytes, this.totalBytes);
    const frames = source.frames(missing, (lengthBytes) => {
      this.#doneBytes += lengthBytes;
      onProgress('sending', this.#doneBytes, this.totalBytes);
    });
    for await (const frame of frames) {
      await call.write(frame);
      this.#keepsBytes = true;
    }
    onProgress('finishing', this.#doneBytes, this.totalBytes);
    await call.finish();
    this.#allSent = true;
    onProgress('sent', this.#doneBytes, this.totalBytes);
  }

  #dataBytes(chunks: readonly number[]): number {
    return chunks.reduce((sum, index) => sum + chunkLength(index, this.#options.source.sizeBytes), 0);
  }
}
