import type { Catalogue } from '../catalogue/catalogue.ts';
import { CHUNK_BYTES } from '../domain/chunk.ts';
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
  /** Whose copy is read. Central's when left out or empty. */
  readonly storeId?: string;
  /** Frames begin there: a whole number of chunks, or the image's size. 0 when left out. */
  readonly fromByte?: number;
}

interface Download {
  readonly operator: string;
  readonly storeId: string;
  /** Ends it, with the reason. */
  readonly end: AbortController;
}

/**
 * Passes an image on from an agent to an operator, frame by frame, as fast as the operator takes it. From
 * central's unless another is named: central is where every image is, and may be the one agent that can be
 * dialled from here.
 */
export class Downloads {
  readonly #parts: DownloadsParts;
  readonly #underWay = new Set<Download>();
  readonly #begun = new RateLimit();

  constructor(parts: DownloadsParts) {
    this.#parts = parts;
  }

  /**
   * Writes the image's data, then the empty frame that ends it. NOT_FOUND when there is no such store; CONFLICT
   * while the image is not active or the store lacks it; INVALID when no download can begin at `fromByte`;
   * UNAVAILABLE while the store is paused, or its agent away or cut off, also when it is cut off on the way;
   * RATE_LIMITED when there are too many under way.
   */
  async send(
    { imageId, operator, storeId: wantedStoreId = '', fromByte = 0 }: DownloadRequest,
    write: (frame: Frame) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { tickets, credentials, renewalMs = TICKET_RENEWAL_MS } = this.#parts;
    const { data, storeId, address } = this.#sourceOf(imageId, wantedStoreId);
    requireResumable(fromByte, data.sizeBytes);
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
      const runs = manifest.dataRuns(Math.ceil(fromByte / CHUNK_BYTES));
      for await (const frame of advised(source.pull(imageId, runs, ended), wantedStoreId)) {
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

  #sourceOf(imageId: string, wantedStoreId: string) {
    const { catalogue, attachments } = this.#parts;
    const { image, copies, stores } = catalogue.view(imageId);
    requireVisible(image);
    const { data } = image;
    // Who may have the data of a deactivated one, the rules have said before.
    if ((image.status !== 'active' && image.status !== 'deactivated') || data === undefined) {
      throw new Refusal(
        'CONFLICT',
        `image ${imageId} is ${image.status}: only an active image can be downloaded`,
      );
    }
    const store = wantedStoreId === '' ? centralOf(stores) : catalogue.stores.get(wantedStoreId);
    const { id: storeId, revoked, pausedAtMs } = store;
    if (!isPresent(copies, storeId)) {
      const where = `\`entrepot image locations ${imageId}\` shows where it is`;
      const back = `bring it back first: \`entrepot image copy ${imageId} --stores ${storeId}\``;
      throw new Refusal('CONFLICT', `${storeId} holds no copy of image ${imageId} to download from`, {
        hint: wantedStoreId === '' ? back : where,
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

/** Chunks are what is read, and checked on its way: a download goes on with a whole one. */
function requireResumable(fromByte: number, sizeBytes: number): void {
  if (fromByte <= sizeBytes && (fromByte % CHUNK_BYTES === 0 || fromByte === sizeBytes)) return;
  throw new Refusal('INVALID', `no download of ${sizeBytes} bytes begins at byte ${fromByte}`, {
    hint: `begin at a multiple of ${CHUNK_BYTES}, or at the image's size`,
  });
}

/** The frames. Nobody needs to reach the agent of an edge, so who asked for its copy is told what that takes. */
async function* advised(frames: AsyncIterable<Frame>, wantedStoreId: string): AsyncGenerator<Frame> {
  try {
    yield* frames;
  } catch (error) {
    const refusal = Refusal.from(error);
    if (wantedStoreId === '' || !refusal.message.startsWith('cannot reach')) throw refusal;
    throw new Refusal(refusal.code, refusal.message, {
      hint: `the hub must reach the \`transfer_address\` of ${wantedStoreId}; without --store central's copy is read`,
      cause: refusal,
    });
  }
}
