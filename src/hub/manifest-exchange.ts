import { createHash } from 'node:crypto';
import PQueue from 'p-queue';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { JobSpec, Task } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import type { ManifestPiece__Output } from '../rpc/generated/entrepot/v1/ManifestPiece.ts';
import type { Write } from '../rpc/handlers.ts';
import { Manifest, manifestLimitBytes } from '../transfer/manifest.ts';
import type { Reports } from './reports.ts';

const HEX_SHA256 = /^[0-9a-f]{64}$/;

const PIECE_BYTES = 1024 * 1024;

/** Manifest of an image with 7 TiB of data; what the hub holds in memory for a moment ends here. */
const LIMIT_BYTES = 64 * 1024 * 1024;

type Piece = Pick<ManifestPiece__Output, 'data'>;

/** What a store may leave besides manifests that are there already. */
interface Allowance {
  /** At work when it was last counted, `task/attempt`. */
  readonly attempts: ReadonlySet<string>;
  readonly manifests: number;
}

const NOTHING: Allowance = { attempts: new Set(), manifests: 0 };

/**
 * Manifests on their way from and to agents. The hub has one of each store in memory at a time, others
 * wait for their turn; and it keeps no more of them than one for each attempt to take an image in. A
 * manifest does not say which attempt it is of, so they are counted.
 */
export class ManifestExchange {
  readonly #catalogue: Catalogue;
  readonly #reports: Reports;
  readonly #turns = new Map<string, PQueue>();
  /** Of each store. A hub that starts anew counts anew. */
  readonly #allowances = new Map<string, Allowance>();

  constructor({ catalogue, reports }: { readonly catalogue: Catalogue; readonly reports: Reports }) {
    this.#catalogue = catalogue;
    this.#reports = reports;
  }

  /** Writes a manifest piece by piece. FORBIDDEN, and counted, unless it is of an image the store is to copy. */
  async send(storeId: string, root: string, write: Write<Piece>, signal: AbortSignal): Promise<void> {
    if (!HEX_SHA256.test(root)) throw new Refusal('INVALID', 'the root of a manifest has 64 digits');
    await this.#inTurn(storeId, signal, async () => {
      this.#requireToCopy(storeId, root);
      const body = this.#catalogue.manifests.get(root);
      for (let at = 0; at < body.length; at += PIECE_BYTES)
        await write({ data: body.subarray(at, at + PIECE_BYTES) });
    });
  }

  /**
   * Keeps a manifest and returns its root: when this settles it is on disk. FORBIDDEN, and counted, unless
   * the store is taking an image in; INVALID when it is none, or is longer than that image's can be.
   */
  async take(storeId: string, pieces: AsyncIterable<Piece>, signal: AbortSignal): Promise<string> {
    return await this.#inTurn(storeId, signal, async () => {
      const body = await collect(pieces, this.#limitBytes(this.#requireIngests(storeId)));
      // Decoding is the check that it is one: what the hub keeps, agents will copy by.
      Manifest.decode(body);
      const root = createHash('sha256').update(body).digest('hex');
      const rest = this.#catalogue.transact(() => this.#keep(storeId, root, body));
      this.#allowances.set(storeId, rest);
      return root;
    });
  }

  /** In a transaction. Returns what the store may leave after this one. */
  #keep(storeId: string, root: string, body: Buffer): Allowance {
    const before = this.#allowances.get(storeId) ?? NOTHING;
    const attempts = new Set(this.#requireIngests(storeId).map(({ id, attempt }) => `${id}/${attempt}`));
    const fresh = [...attempts].filter((one) => !before.attempts.has(one)).length;
    const allowed = before.manifests + fresh;
    const isNew = this.#catalogue.manifests.put(root, body);
    if (isNew && allowed === 0) {
      throw this.#reports.refusal(storeId, 'unknown-attempt', 'leave two manifests for one attempt');
    }
    return { attempts, manifests: isNew ? allowed - 1 : allowed };
  }

  #requireToCopy(storeId: string, root: string): void {
    const { tasks, images } = this.#catalogue;
    const isToCopy = tasks.unended(storeId).some(({ imageId }) => images.get(imageId).data?.root === root);
    if (isToCopy) return;
    const what = `read manifest ${root}: it is of no image it is to copy`;
    throw this.#reports.refusal(storeId, 'unknown-task', what);
  }

  /** The attempts to take an image in that the store was told to make, and has not reported on. */
  #requireIngests(storeId: string): Task[] {
    const isIngest = ({ kind, attempt }: Task) => kind === 'ingest' && attempt > 0;
    const ingests = this.#catalogue.tasks.unended(storeId).filter(isIngest);
    if (ingests.length > 0) return ingests;
    throw this.#reports.refusal(storeId, 'unknown-task', 'leave a manifest: it is not taking an image in');
  }

  /** Of the longest manifest that one of these can lead to. */
  #limitBytes(ingests: readonly Task[]): number {
    const specs = ingests.map(({ jobId }) => this.#catalogue.jobs.get(jobId).spec);
    return Math.min(LIMIT_BYTES, Math.max(...specs.map(limitOf)));
  }

  async #inTurn<T>(storeId: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const turns = this.#turns.get(storeId) ?? new PQueue({ concurrency: 1 });
    this.#turns.set(storeId, turns);
    return await turns.add(work, { signal });
  }
}

/** Only of an upload it is known beforehand how large the disk is: what is unpacked or converted may be larger than its file. */
function limitOf(spec: JobSpec): number {
  if (spec.kind !== 'import') return 0;
  return spec.source.method === 'upload' ? manifestLimitBytes(spec.sizeBytes) : LIMIT_BYTES;
}

/** INVALID when a piece is empty, or all together are longer than `limitBytes`. */
async function collect(pieces: AsyncIterable<Piece>, limitBytes: number): Promise<Buffer> {
  // Grows in place: pieces kept one by one would take memory by their number, and twice in the end.
  const memory = new ArrayBuffer(0, { maxByteLength: limitBytes });
  const body = new Uint8Array(memory);
  for await (const { data } of pieces) {
    if (data.length === 0) throw new Refusal('INVALID', 'a piece of a manifest is empty');
    const at = memory.byteLength;
    if (at + data.length > limitBytes) {
      throw new Refusal('INVALID', `the manifest is longer than ${limitBytes} bytes`, {
        hint: 'as long as one of an image of the size that was announced can be',
      });
    }
    memory.resize(at + data.length);
    body.set(data, at);
  }
  return Buffer.from(memory.transferToFixedLength());
}
