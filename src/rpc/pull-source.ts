import { Refusal } from '../domain/refusal.ts';
import {
  type ChunkRun,
  type Frame,
  type FrameSource,
  pullsOn,
  RUNS_PER_REQUEST,
} from '../transfer/frames.ts';
import { unlessAborted } from '../transfer/in-flight.ts';
import { callServerStream, callUnary } from './calls.ts';
import {
  BULK_WINDOW_BYTES,
  type BulkChannelSettings,
  bulkChannel,
  type Channel,
  type ChannelCredentials,
} from './channel.ts';
import { type Link, planned } from './distances.ts';
import { TICKET_KEY } from './limits.ts';
import { Transfer } from './proto.ts';

export interface PullSourceSettings extends BulkChannelSettings {
  /** The hub's permission to pull. */
  readonly ticket: string;
  /** Has as many connections, and of that width, as the distance asks for. Left out: one, with `windowBytes`. */
  readonly link?: Link;
  /** Asked for with each pull: a copy may outlive the certificate it began with. Default: `credentials`. */
  readonly currentCredentials?: () => ChannelCredentials;
  /** Frames may come packed: who pulls unpacks them. Default: not. */
  readonly acceptsPacked?: boolean;
}

/** A connection, and the pulls that use it. */
interface Line {
  readonly channel: Channel;
  readonly credentials: ChannelCredentials;
  pulls: number;
}

/**
 * Frames from an agent that holds the image, which we dial: on bulk channels of its own, made with the first pull.
 * Each pull uses one of them, one request after the other, of at most RUNS_PER_REQUEST runs. Disposing of it ends
 * what is under way.
 */
export class PullSource implements FrameSource, AsyncDisposable {
  readonly #settings: Omit<PullSourceSettings, 'ticket'>;
  /** As the lines were made, but for the credentials. */
  #channelSettings: BulkChannelSettings;
  readonly #disposed = new AbortController();
  #lines: readonly Line[] = [];
  /** Those of lines that have been replaced, and are still in use, as well. */
  readonly #open = new Set<Channel>();
  #dialling: Promise<void> | undefined;
  #ticket: string;

  constructor({ ticket, ...settings }: PullSourceSettings) {
    this.#settings = settings;
    this.#channelSettings = settings;
    this.#ticket = ticket;
  }

  /** 1 until the first pull has found out how far the source is. */
  get width(): number {
    return pullsOn(this.#lines.length);
  }

  /** The most there may be, until the first pull has found out how far the source is. */
  get windowBytes(): number {
    return this.#channelSettings.windowBytes ?? this.#settings.link?.windowBytes ?? BULK_WINDOW_BYTES;
  }

  /** The ticket the hub has renewed: shown at once for what is under way, and with each request from now on. */
  setTicket(ticket: string): void {
    this.#ticket = ticket;
    const line = this.#lines.find(({ pulls }) => pulls > 0);
    if (line === undefined) return;
    // It counts for all connections. Should the other side not take it, the pull ends when the ticket before it
    // does, and says why.
    callUnary(line.channel, Transfer.Renew, { ticket }).catch(() => {});
  }

  async *pull(imageId: string, runs: readonly ChunkRun[], signal: AbortSignal): AsyncGenerator<Frame> {
    await this.#dial(signal);
    const { acceptsPacked = false } = this.#settings;
    const line = this.#renewed(this.#idlest());
    line.pulls++;
    try {
      for (let first = 0; first < runs.length; first += RUNS_PER_REQUEST) {
        const request = { imageId, runs: runs.slice(first, first + RUNS_PER_REQUEST), acceptsPacked };
        const metadata = { [TICKET_KEY]: this.#ticket };
        yield* callServerStream(line.channel, Transfer.Pull, request, { signal, metadata });
      }
    } finally {
      line.pulls--;
      if (line.pulls === 0 && !this.#lines.includes(line)) this.#close(line);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort();
    await Promise.all([...this.#open].map((channel) => channel[Symbol.asyncDispose]()));
  }

  /** What went wrong may go well with the next pull: then it is tried anew. */
  async #dial(signal: AbortSignal): Promise<void> {
    if (this.#lines.length > 0) return;
    this.#dialling ??= this.#makeLines().finally(() => {
      this.#dialling = undefined;
    });
    // With each pull waits one who is told; when all have left, nobody is.
    this.#dialling.catch(() => {});
    await unlessAborted(this.#dialling, signal);
  }

  async #makeLines(): Promise<void> {
    const { signal } = this.#disposed;
    const { connections, ...settings } = await planned(this.#settings, signal);
    if (signal.aborted) return;
    this.#channelSettings = settings;
    this.#lines = Array.from({ length: connections }, () => this.#makeLine(settings.credentials));
  }

  #makeLine(credentials: ChannelCredentials): Line {
    const channel = bulkChannel({ ...this.#channelSettings, credentials });
    this.#open.add(channel);
    return { channel, credentials, pulls: 0 };
  }

  /**
   * The line, or one in its place when the credentials have changed: a certificate that has expired is good for the
   * calls that have begun with it, not for another one. The old line goes with its last pull.
   */
  #renewed(line: Line): Line {
    const credentials = this.#settings.currentCredentials?.() ?? line.credentials;
    if (credentials === line.credentials) return line;
    const fresh = this.#makeLine(credentials);
    this.#lines = this.#lines.map((one) => (one === line ? fresh : one));
    if (line.pulls === 0) this.#close(line);
    return fresh;
  }

  #close({ channel }: Line): void {
    this.#open.delete(channel);
    void channel[Symbol.asyncDispose]();
  }

  #idlest(): Line {
    const [first, ...others] = this.#lines;
    if (first === undefined) throw new Refusal('CANCELLED', 'the pull was given up before it began');
    return others.reduce((least, line) => (line.pulls < least.pulls ? line : least), first);
  }
}
