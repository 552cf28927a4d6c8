import { CHUNK_BYTES } from '../domain/chunk.ts';
import { Refusal } from '../domain/refusal.ts';
import type { DuplexCall } from '../rpc/calls.ts';
import type { Frame } from '../transfer/frames.ts';
import type { HubConnection } from './hub-connection.ts';
import type { LocalImage } from './local-image.ts';
import type { UploadReply } from './wire.ts';

/** What the agent has of a file: its first bytes, in whole chunks. */
export interface BytesBefore {
  readonly sizeBytes: number;
  /** Of these bytes, in hexadecimal. */
  readonly sha512: string;
}

/** A call that is open, and what its agent has, which is of the file in question. */
export interface LookedInto {
  readonly call: UploadCall;
  readonly before: BytesBefore;
}

/**
 * One Upload call: the agent says what it has, the rest is sent, the hub says that it is in. Ending the call earlier
 * leaves what has come at the agent. All reject with what the call ended with.
 */
export class UploadCall implements AsyncDisposable {
  readonly #call: DuplexCall<Frame, UploadReply>;
  readonly #replies: AsyncIterator<UploadReply>;
  readonly #end: AbortController;

  private constructor(call: DuplexCall<Frame, UploadReply>, end: AbortController) {
    this.#call = call;
    this.#replies = call.messages[Symbol.asyncIterator]();
    this.#end = end;
  }

  static open(hub: HubConnection, jobId: string): UploadCall {
    const end = new AbortController();
    return new UploadCall(hub.upload(jobId, end.signal), end);
  }

  /** Called once, first of all. Waits for as long as it takes until the job's agent is ready. */
  async before(): Promise<BytesBefore> {
    const { before } = await this.#reply();
    if (before == null) throw outOfOrder('did not say what of the file is there');
    return before;
  }

  /** Settles when the next frame may come. */
  write(frame: Frame): Promise<void> {
    return this.#call.write(frame);
  }

  /** After the last frame: settles when all of them are on their way to the agent. */
  async finish(): Promise<void> {
    this.#call.end();
    const { receivedBytes } = await this.#reply();
    if (receivedBytes === undefined) throw outOfOrder('did not say that all is in');
    await this.#replies.next();
  }

  /** Breaks it off; what waits for it rejects with the reason. Does nothing once it has ended. */
  abort(reason: Refusal): void {
    this.#end.abort(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#call[Symbol.asyncDispose]();
  }

  async #reply(): Promise<UploadReply> {
    const next = await this.#replies.next();
    if (next.done !== true) return next.value;
    throw new Refusal('UNAVAILABLE', 'the hub ended the upload before all was sent');
  }
}

/** Whether the file begins with the bytes that the agent has. INTERNAL when these are no whole chunks; else rejects as LocalImage.sha512 does. */
export async function beginsWith(
  source: LocalImage,
  before: BytesBefore,
  options: Parameters<LocalImage['sha512']>[1],
): Promise<boolean> {
  if (before.sizeBytes === 0) return true;
  if (before.sizeBytes > source.sizeBytes) return false;
  // What is sent begins with a whole chunk: the rest of a broken one would be left out, and become a hole.
  if (before.sizeBytes % CHUNK_BYTES !== 0 && before.sizeBytes !== source.sizeBytes) {
    throw outOfOrder(`has ${before.sizeBytes} bytes of the file, which are not whole chunks`);
  }
  return (await source.sha512(before.sizeBytes, options)) === before.sha512;
}

function outOfOrder(what: string): Refusal {
  return new Refusal('INTERNAL', `the hub ${what}`, {
    hint: 'do both sides run versions of entrepot that go together?',
  });
}
