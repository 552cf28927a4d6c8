import type { Catalogue } from '../catalogue/catalogue.ts';
import { Refusal } from '../domain/refusal.ts';
import { centralOf, isPresent, requireVisible } from '../domain/rules/index.ts';
import { PullSource } from '../rpc/pull-source.ts';
import type { Frame } from '../transfer/frames.ts';
import { unlessAborted } from '../transfer/in-flight.ts';
import { Manifest } from '../transfer/manifest.ts';
import type { Credentials } from '../trust/credentials.ts';
import { type Rate, RateLimit } from '../trust/rate-limit.ts';
import { TICKET_RENEWAL_MS } from '../trust/ticket.ts';
import type { Attachments } from './attachments.ts';
import type { Tickets } from './tickets.ts';

/**
 * Under way at once, of all operators. To the central agent they are all calls of the hub, which may have
 * 64 there: the others are for tickets that are renewed. Each may fill a window of 16 MiB here.
 */
const DOWNLOADS_LIMIT = 48;

/** Of one operator: who reads slowly keeps its own places, and not everybody's. */
const DOWNLOADS_PER_OPERATOR_LIMIT = 8;

/** Begun by one operator. Each is a connection of its own, of which an agent takes 50 a second from the hub. */
const DOWNLOADS_RATE: Rate = { perSecond: 10, burst: 40 };

export interface DownloadsParts {
  readonly catalogue: Catalogue;
  readonly attachments: Attachments;
  readonly tickets: Tickets;
  /** The hub's, which change when they are renewed. */
  readonly credentials: () => Credentials;
  /** TICKET_RENEWAL_MS when left out. */
  readonly renewalMs?: number;
}

export interface DownloadRequest {
  readonly imageId: string;
  /** Whose download it counts as. */
  readonly operator: string;
}

interface Download {
  readonly operator: string;
  readonly storeId: string;
  /** Ends it, with the reason. */
  readonly end: AbortController;
}

/**
 * Passes an image on from the central agent to an operator, frame by frame, as fast as the
 * operator takes it. Central is where every image is, and the one agent that can be dialled.
 */
export class Downloads {
  readonly #parts: DownloadsParts;
  readonly #underWay = new Set<Download>();
  readonly #begun = new RateLimit();

  constructor(parts: DownloadsParts) {
    this.#parts = parts;
  }

  /**
   * Writes the image's data, then the empty frame that ends it. CONFLICT while the image is
   * not active or central lacks it; UNAVAILABLE while central is paused, or its agent away or cut off, also
   * when it is cut off on the way; RATE_LIMITED when there are too many under way.
   */
  async send(
    { imageId, operator }: DownloadRequest,
    write: (frame: Frame) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { tickets, credentials, renewalMs = TICKET_RENEWAL_MS } = this.#parts;
    const { data, storeId, address } = this.#sourceOf(imageId);
    const download: Download = { operator, storeId, end: new AbortController() };
    this.#begin(download);
    try {
      const manifest = Manifest.decode(this.#parts.catalogue.manifests.get(data.root));
      const newTicket = tickets.forDownload(imageId, storeId);
      const ended = AbortSignal.any([signal, download.end.signal]);
      await using source = new PullSource({
        address,
        peer: `agent of store ${storeId}`,
        credentials: credentials(),
        expect: { kind: 'store', storeId },
        ticket: newTicket(),
      });
      using renewal = new DisposableStack();
      const renew = () => {
        try {
          source.setTicket(newTicket());
        } catch (error) {
          download.end.abort(Refusal.from(error));
        }
      };
      renewal.adopt(setInterval(renew, renewalMs).unref(), clearInterval);
      for await (const frame of source.pull(imageId, manifest.dataRuns(), ended)) {
        // An operator that takes nothing does not keep the stream to a store that is cut off.
        await unlessAborted(write(frame), ended);
      }
      await write({ offset: data.sizeBytes, data: new Uint8Array(), last: true });
    } finally {
      this.#underWay.delete(download);
    }
  }

  /** Ends the downloads from a store that is cut off, and says why. */
  endFrom(storeId: string, { message }: Refusal): void {
    const reason = new Refusal('UNAVAILABLE', `the download was broken off: ${message}`, {
      hint: 'repeat it once the store is back: `entrepot store list` shows who is online',
    });
    for (const download of this.#underWay) if (download.storeId === storeId) download.end.abort(reason);
  }

  #sourceOf(imageId: string) {
    const { catalogue, attachments } = this.#parts;
    const { image, copies, stores } = catalogue.view(imageId);
    requireVisible(image);
    const { data } = image;
    if (image.status !== 'active' || data === undefined) {
      throw new Refusal(
        'CONFLICT',
        `image ${imageId} is ${image.status}: only an active image can be downloaded`,
      );
    }
    const { id: storeId, revoked, pausedAtMs } = centralOf(stores);
    if (!isPresent(copies, storeId)) {
      throw new Refusal('CONFLICT', `${storeId} holds no copy of image ${imageId} to download from`, {
        hint: `bring it back first: \`entrepot image copy ${imageId} --stores ${storeId}\``,
      });
    }
    if (revoked) {
      throw new Refusal('UNAVAILABLE', `the agent of ${storeId} is cut off: nothing is read from it`, {
        hint: `\`entrepot store add ${storeId}\` gives its agent a new token to join with`,
      });
    }
    if (pausedAtMs !== undefined) {
      throw new Refusal('UNAVAILABLE', `store ${storeId} is paused: nothing is read from it`, {
        hint: `\`entrepot store resume ${storeId}\` lets it go on`,
      });
    }
    const agent = attachments.get(storeId);
    if (agent === undefined) {
      throw new Refusal('UNAVAILABLE', `store ${storeId} is away`, {
        hint: '`entrepot store list` shows who is online',
      });
    }
    return { data, storeId, address: agent.transferAddress };
  }

  #begin(download: Download): void {
    const { operator } = download;
    const own = [...this.#underWay].filter((one) => one.operator === operator);
    if (own.length >= DOWNLOADS_PER_OPERATOR_LIMIT) {
      throw new Refusal(
        'RATE_LIMITED',
        `operator ${operator} has ${own.length} downloads under way, which is as many as it may`,
        { hint: 'let some of them end first' },
      );
    }
    if (this.#underWay.size >= DOWNLOADS_LIMIT) {
      throw new Refusal(
        'RATE_LIMITED',
        `${this.#underWay.size} downloads are under way, which is as many as the hub makes at a time`,
        { hint: 'try again when others have ended' },
      );
    }
    if (!this.#begun.take(operator, DOWNLOADS_RATE)) {
      throw new Refusal(
        'RATE_LIMITED',
        `operator ${operator} downloads too often: ${DOWNLOADS_RATE.perSecond} downloads a second are begun`,
        { hint: 'wait between them' },
      );
    }
    this.#underWay.add(download);
  }
}
