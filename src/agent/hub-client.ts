import { Refusal } from '../domain/refusal.ts';
import { callClientStream, callDuplex, callServerStream } from '../rpc/calls.ts';
import { type BulkChannelSettings, bulkChannel, type Channel, controlChannel } from '../rpc/channel.ts';
import { Agents } from '../rpc/proto.ts';
import type { Frame } from '../transfer/frames.ts';
import type { AttachCall } from './attach.ts';
import type { AttemptKey } from './messages.ts';
import type { HubCalls } from './tasks/parts.ts';

/** As large as a piece of a manifest may be. */
const MANIFEST_PIECE_BYTES = 1024 * 1024;

/** The hub, seen from an agent. Uploads and manifests have a connection of their own beside Attach. */
export class HubClient implements HubCalls, AsyncDisposable {
  readonly #control: Channel;
  readonly #bulk: Channel;

  /** Nothing is dialled before the first call. */
  constructor(settings: BulkChannelSettings) {
    this.#control = controlChannel(settings);
    this.#bulk = bulkChannel(settings);
  }

  attach(signal: AbortSignal): AttachCall {
    return callDuplex(this.#control, Agents.Attach, { signal });
  }

  pullUpload({ taskId, attempt }: AttemptKey, signal: AbortSignal): AsyncIterable<Frame> {
    return callServerStream(this.#bulk, Agents.PullUpload, { taskId, attempt }, { signal });
  }

  async getManifest(root: string, signal: AbortSignal): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const { data } of callServerStream(this.#bulk, Agents.GetManifest, { root }, { signal })) {
      pieces.push(data);
    }
    return Buffer.concat(pieces);
  }

  async putManifest(root: string, encoded: Uint8Array, signal: AbortSignal): Promise<void> {
    await using call = callClientStream(this.#bulk, Agents.PutManifest, { signal });
    for (let at = 0; at < encoded.byteLength; at += MANIFEST_PIECE_BYTES) {
      await call.write({ data: encoded.subarray(at, at + MANIFEST_PIECE_BYTES) });
    }
    const reply = await call.finish();
    if (reply.root !== root) {
      throw new Refusal('CORRUPT', `the hub kept a manifest with root ${reply.root} in place of ${root}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#control[Symbol.asyncDispose](), this.#bulk[Symbol.asyncDispose]()]);
  }
}
