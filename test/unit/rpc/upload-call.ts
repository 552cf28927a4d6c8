import { callDuplex } from '../../../src/rpc/calls.ts';
import type { Channel } from '../../../src/rpc/channel.ts';
import type { CallContext } from '../../../src/rpc/handlers.ts';
import { Images } from '../../../src/rpc/proto.ts';
import type { Frame } from '../../../src/transfer/frames.ts';

/** An Upload call of somebody who sends without having been told from where. */
export interface UploadCall extends AsyncDisposable {
  write(frame: Frame): Promise<void>;
  /** Sends no more. The last answer; rejects as the call does. */
  finish(): Promise<{ readonly receivedBytes: number }>;
  /** What `finish` resolves to, also when the other side answers before. */
  readonly reply: Promise<{ readonly receivedBytes: number }>;
}

/** Throws the signal's Refusal when it is aborted already. */
export function callUpload(channel: Channel, options: Parameters<typeof callDuplex>[2] = {}): UploadCall {
  const call = callDuplex(channel, Images.Upload, options);
  const reply = lastOf(call.messages);
  // Who only writes learns of a failure there.
  reply.catch(() => {});
  return {
    write: (frame) => call.write(frame),
    finish: () => {
      call.end();
      return reply;
    },
    reply,
    [Symbol.asyncDispose]: () => call[Symbol.asyncDispose](),
  };
}

/** A hub that takes frames, and answers once. */
export function takingUpload(
  take: (frames: AsyncIterable<Frame>, context: CallContext) => Promise<{ readonly receivedBytes: number }>,
) {
  return async (
    frames: AsyncIterable<Frame>,
    write: (reply: { readonly receivedBytes: number }) => Promise<void>,
    context: CallContext,
  ): Promise<void> => {
    context.widen(1);
    await write(await take(frames, context));
  };
}

async function lastOf(
  messages: AsyncIterable<{ readonly receivedBytes?: number }>,
): Promise<{ readonly receivedBytes: number }> {
  let receivedBytes = -1;
  for await (const message of messages) receivedBytes = message.receivedBytes ?? receivedBytes;
  return { receivedBytes };
}
