import { Refusal } from '../domain/refusal.ts';
import { callClientStream, callDuplex, callServerStream, callUnary } from '../rpc/calls.ts';
import { bulkChannel, type Channel, controlChannel } from '../rpc/channel.ts';
import { Agents, Enrolment } from '../rpc/proto.ts';
import type { Frame } from '../transfer/frames.ts';
import type { BytesBefore } from '../transfer/ingest-checkpoint.ts';
import type { Credentials } from '../trust/credentials.ts';
import { HUB } from '../trust/identity.ts';
import type { AttachCall } from './attach.ts';
import type { Issued } from './enrolment.ts';
import type { AttemptKey } from './messages.ts';
import type { HubCalls } from './tasks/parts.ts';

/** As large as a piece of a manifest may be. */
const MANIFEST_PIECE_BYTES = 1024 * 1024;

export interface HubClientSettings {
  /** host:port of the hub. */
  readonly address: string;
  readonly credentials: Credentials;
  /** HTTP/2 window of the bulk connection. Default: src/rpc's. */
  readonly windowBytes?: number;
}

/**
 * The hub, seen from an agent. Uploads and manifests have a connection of their own beside Attach.
 * `renew` makes both anew; the calls that are under way end on the ones they began on.
 */
export class HubClient implements HubCalls, AsyncDisposable {
  readonly #settings: HubClientSettings;
  #line: Line;
  /** Replaced, with calls still under way. */
  readonly #leaving = new Set<Line>();

  /** Nothing is dialled before the first call. */
  constructor(settings: HubClientSettings) {
    this.#settings = settings;
    this.#line = new Line(settings);
  }

  /** Dials with these credentials from now on. */
  renew(credentials: Credentials): void {
    const before = this.#line;
    this.#line = new Line({ ...this.#settings, credentials });
    this.#leaving.add(before);
    void before.idle().then(async () => {
      this.#leaving.delete(before);
      await before[Symbol.asyncDispose]();
    });
  }

  attach(signal: AbortSignal): AttachCall {
    const line = this.#line;
    const call = callDuplex(line.control, Agents.Attach, { signal });
    const use = line.use();
    return {
      messages: call.messages,
      write: (message) => call.write(message),
      end: () => call.end(),
      [Symbol.asyncDispose]: async () => {
        await call[Symbol.asyncDispose]();
        use[Symbol.dispose]();
      },
    };
  }

  /** A certificate for the key of a request (PKCS#10, DER), in place of the one this calls with. */
  async renewCertificate(certificateRequest: Buffer, signal: AbortSignal): Promise<Issued> {
    using line = this.#line.use();
    return await callUnary(line.control, Enrolment.Renew, { certificateRequest }, { signal });
  }

  async *pullUpload(
    { taskId, attempt }: AttemptKey,
    { lengthBytes: fromByte, sha512 }: BytesBefore,
    signal: AbortSignal,
  ): AsyncGenerator<Frame> {
    using line = this.#line.use();
    const request = { taskId, attempt, fromByte, sha512 };
    yield* callServerStream(line.bulk, Agents.PullUpload, request, { signal });
  }

  async getManifest(root: string, signal: AbortSignal): Promise<Uint8Array> {
    using line = this.#line.use();
    const pieces: Uint8Array[] = [];
    for await (const { data } of callServerStream(line.bulk, Agents.GetManifest, { root }, { signal })) {
      pieces.push(data);
    }
    return Buffer.concat(pieces);
  }

  async putManifest(root: string, encoded: Uint8Array, signal: AbortSignal): Promise<void> {
    using line = this.#line.use();
    await using call = callClientStream(line.bulk, Agents.PutManifest, { signal });
    for (let at = 0; at < encoded.byteLength; at += MANIFEST_PIECE_BYTES) {
      await call.write({ data: encoded.subarray(at, at + MANIFEST_PIECE_BYTES) });
    }
    const reply = await call.finish();
    if (reply.root !== root) {
      throw new Refusal('CORRUPT', `the hub kept a manifest with root ${reply.root} in place of ${root}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#line, ...this.#leaving].map((line) => line[Symbol.asyncDispose]()));
  }
}

/** The two connections that go with one certificate, and how many calls use them. */
class Line implements AsyncDisposable {
  readonly control: Channel;
  readonly bulk: Channel;
  #uses = 0;
  readonly #idle: (() => void)[] = [];

  constructor(settings: HubClientSettings) {
    const dialled = { ...settings, peer: 'hub', expect: HUB };
    this.control = controlChannel(dialled);
    this.bulk = bulkChannel(dialled);
  }

  /** For a call, until it is disposed of. */
  use(): Disposable & { readonly control: Channel; readonly bulk: Channel } {
    this.#uses += 1;
    const { control, bulk } = this;
    let isOver = false;
    const over = () => {
      if (isOver) return;
      isOver = true;
      this.#uses -= 1;
      if (this.#uses === 0) for (const told of this.#idle.splice(0)) told();
    };
    return { control, bulk, [Symbol.dispose]: over };
  }

  /** Settles when no call uses it. */
  async idle(): Promise<void> {
    if (this.#uses > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.control[Symbol.asyncDispose](), this.bulk[Symbol.asyncDispose]()]);
  }
}
