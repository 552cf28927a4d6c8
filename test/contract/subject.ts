import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { CHUNK_BYTES } from '../../src/domain/chunk.ts';
import type { RefusalCode } from '../../src/domain/refusal.ts';
import type { ForeignName } from '../../src/store/adoption.ts';
import type { ReadableImage, Store, StoredImage } from '../../src/store/store.ts';

/** One pool of one driver, with what a test needs beside the contract. Disposed of once, after all tests. */
export interface StoreUnderTest extends AsyncDisposable {
  /** Started. Replaced by the suite with what `reopen` returned. */
  store: Store;
  /** The same pool opened again and started, as after a restart; the store before it is disposed of. */
  reopen(): Promise<Store>;
  /** A clone that depends on the whole image; its name as `children` reports it: `pool/name`. */
  makeClone(imageId: string): Promise<{ name: string; remove(): Promise<void> }>;
  /** A second pool of the same cluster, which the store may read. */
  readonly otherPool: string;
  /** A raw image that somebody else has made, without a snapshot. */
  makeStranger(name: ForeignName, data: Buffer): Promise<void>;
  /** Has it open for writing until released, as a machine that runs on it. */
  holdOpen(name: ForeignName): Promise<{ release(): Promise<void> }>;
}

/** Writes `sizeBytes` of random data, at most its first 4 MiB, publishes, and returns what was written. */
export async function publishImage(store: Store, imageId: string, sizeBytes: number): Promise<Buffer> {
  const data = randomBytes(Math.min(sizeBytes, CHUNK_BYTES));
  {
    await using partial = await store.openPartial(imageId, sizeBytes);
    await partial.write(0, data);
    await partial.flush();
  }
  await store.publish(imageId);
  return data;
}

/** The image's line in the list; fails when it is listed twice. */
export async function entry(store: Store, imageId: string): Promise<StoredImage | undefined> {
  const found = (await store.list()).filter((image) => image.imageId === imageId);
  expect(found.length).toBeLessThanOrEqual(1);
  return found[0];
}

export async function readBack(image: ReadableImage, offset: number, length: number): Promise<Uint8Array> {
  // Not zeros: what the driver fails to fill is seen.
  const target = new Uint8Array(length).fill(0xee);
  await image.read(offset, target);
  return target;
}

/** Rejects with a Refusal of this code; returns it. */
export async function refused(promise: Promise<unknown>, code: RefusalCode): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'Refusal', code });
  return error as Error;
}

/** As toEqual, without minutes of diff for megabytes. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  if (Buffer.compare(actual, expected) === 0) return;
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  expect.fail(`bytes differ from offset ${at}: ${actual[at]} instead of ${expected[at]}`);
}
