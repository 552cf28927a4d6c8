import { existsSync, readdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Image, Job } from '../../src/cli/wire.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { ImportRequest } from '../../src/rpc/generated/entrepot/v1/ImportRequest.ts';
import { framesOfBytes } from '../../src/transfer/chunk-frames.ts';
import { waitFor } from '../cloud/wait.ts';
import type { Bench } from './helpers-file.ts';

/** An agent that may fetch from servers of the test. */
export const LOOPBACK_WEB = {
  allowed_schemes: ['http', 'https'],
  allowed_ports: [],
  allowed_networks: ['127.0.0.0/8'],
};

export interface Draft {
  readonly diskFormat?: string;
  readonly containerFormat?: string;
  readonly properties?: Readonly<Record<string, string>>;
}

/** A record without data. */
export async function record(bench: Bench, draft: Draft = {}): Promise<string> {
  const { properties = {}, ...rest } = draft;
  return (await bench.calls.createImage({ name: 'imported', properties: { ...properties }, ...rest })).id;
}

/** Sends a file to a job that waits for one; what broke it off, if anything did. */
export async function send(bench: Bench, jobId: string, file: Uint8Array): Promise<Refusal | undefined> {
  await using call = bench.calls.upload(jobId, new AbortController().signal);
  try {
    for await (const frame of framesOfBytes(inPieces(file))) {
      // The frames come out of one buffer, and may wait for their turn to be sent.
      await call.write({ ...frame, data: Buffer.from(frame.data) });
    }
    call.end();
    for await (const _reply of call.messages);
    return undefined;
  } catch (error) {
    return Refusal.from(error);
  }
}

async function* inPieces(file: Uint8Array): AsyncGenerator<Uint8Array> {
  yield file;
}

/** Puts a file beside central, whatever it is: nothing on this side looks at it. The job, ended. */
export async function stage(bench: Bench, imageId: string, file: Uint8Array): Promise<Job> {
  const request = { imageId, storeId: '', sizeBytes: file.length, lane: '' };
  const job = await bench.calls.imports.stage(request);
  await send(bench, job.id, file);
  return await bench.ended(job.id);
}

/** Begins an import to central, unless `more` says otherwise. */
export async function beginImport(bench: Bench, imageId: string, more: ImportRequest): Promise<Job> {
  return await bench.calls.imports.begin({ imageId, expectedDigests: {}, ...more });
}

/** Names in the staging folder of a store's agent. */
export function staged(bench: Bench, storeId = 'central'): string[] {
  const folder = join(bench.folder, 'credentials', `staging-${storeId}`);
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** The record waits for data, and at no store is anything left of what there was. */
export async function expectNothingLeft(bench: Bench, imageId: string): Promise<Image> {
  const leftovers = () =>
    bench.cloud.storeIds.flatMap((storeId) =>
      [...staged(bench, storeId), ...bench.disk(storeId)].filter((name) => name.includes(imageId)),
    );
  await waitFor(`nothing to be left of ${imageId}`, () => leftovers().length === 0, 20_000);
  return await waitFor(
    'the record to wait for data again',
    async () => {
      const image = await bench.image(imageId);
      // A copy that failed is listed with its reason until the next import.
      const isEmpty = image.copies.every(({ state }) => state === 'failed');
      return image.status === 'queued' && isEmpty && image.stagedBytes === undefined && image;
    },
    10_000,
  );
}

/** A file on a web server, of which the end is kept back until it is released. */
export class HeldFile {
  readonly #bytes: Buffer;
  readonly #heldAt: number;
  readonly #released = Promise.withResolvers<void>();
  /** Where the answers began, in their order. */
  readonly askedFrom: number[] = [];

  constructor(bytes: Buffer, heldAt = bytes.length) {
    this.#bytes = bytes;
    this.#heldAt = heldAt;
  }

  release(): void {
    this.#released.resolve();
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sizeBytes = this.#bytes.length;
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    this.askedFrom.push(from);
    const heldAt = Math.max(from, this.#heldAt);
    response.setHeader('etag', '"v1"').setHeader('accept-ranges', 'bytes');
    response.setHeader('content-length', sizeBytes - from);
    if (from > 0) response.setHeader('content-range', `bytes ${from}-${sizeBytes - 1}/${sizeBytes}`);
    response.writeHead(from > 0 ? 206 : 200).write(this.#bytes.subarray(from, heldAt));
    if (heldAt < sizeBytes) await this.#released.promise;
    response.end(this.#bytes.subarray(heldAt));
  }
}

/** Whether an agent's work on the image has come to a phase. Some are over before anybody looks. */
export function wasIn(bench: Bench, imageId: string, phase: string, storeId = 'central'): boolean {
  return bench.log(storeId).some((line) => line['imageId'] === imageId && line['phase'] === phase);
}

/** The phase that an agent last said its work on the image is in. Its log is there before anybody is told. */
export function phaseOf(bench: Bench, imageId: string, storeId = 'central'): string | undefined {
  const line = bench.log(storeId).findLast((one) => one['imageId'] === imageId && one['phase'] !== undefined);
  return line?.['phase'] as string | undefined;
}
