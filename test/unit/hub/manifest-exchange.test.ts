import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManifestExchange } from '../../../src/hub/manifest-exchange.ts';
import type { Manifest } from '../../../src/transfer/manifest.ts';
import { DRAFT, uuid } from '../catalogue/scratch.ts';
import { AttachBench } from './attach-bench.ts';
import { MIB, manifestOf, refusalOf } from './test-hub.ts';

let bench: AttachBench;
let manifests: ManifestExchange;
beforeEach(() => {
  bench = new AttachBench();
  manifests = new ManifestExchange(bench.parts);
});
afterEach(() => bench[Symbol.dispose]());

const never = new AbortController().signal;

/** The store is told to take an image in; the id of the task. */
function taking(n: number, storeId = 'dcn0', sizeBytes = MIB): string {
  const { catalogue } = bench.parts;
  const [imageId, jobId, id] = [uuid(n), uuid(1000 + n), uuid(2000 + n)];
  const options = {
    kind: 'import',
    source: { method: 'upload' },
    sizeBytes,
    storeIds: [],
    allMustSucceed: false,
  } as const;
  catalogue.transact(() => {
    catalogue.images.insert(imageId, DRAFT, 'r');
    const spec = { ...options, entryStoreId: storeId };
    catalogue.jobs.insert({ id: jobId, imageId, spec, requestedBy: 'ada', requestId: 'r' });
    catalogue.tasks.insert({ id, jobId, imageId, storeId, kind: 'ingest', sourceStoreId: undefined });
    catalogue.tasks.set(id, 'assigned', { attempt: 1 });
  });
  return id;
}

const failed = (id: string) =>
  bench.parts.catalogue.transact(() => bench.parts.catalogue.tasks.set(id, 'failed'));

/** The pieces of a manifest; `onRead` before each. */
async function* pieces(body: Uint8Array, pieceBytes = body.length, onRead: () => void = () => undefined) {
  for (let at = 0; at < body.length; at += pieceBytes) {
    onRead();
    yield { data: Buffer.from(body.subarray(at, at + pieceBytes)) };
  }
}

const take = (manifest: Manifest, storeId = 'dcn0') =>
  manifests.take(storeId, pieces(manifest.encode()), never);
const isKept = (manifest: Manifest) => {
  try {
    return bench.parts.catalogue.manifests.get(manifest.root).equals(manifest.encode());
  } catch {
    return false;
  }
};

test('a manifest is kept as its pieces make it, however small they are', async () => {
  taking(1);
  const manifest = manifestOf('a');
  expect(await manifests.take('dcn0', pieces(manifest.encode(), 1), never)).toBe(manifest.root);
  expect(isKept(manifest)).toBe(true);
});

test('one is kept for each attempt to take an image in, and the same one as often as it comes', async () => {
  const first = taking(1);
  const [a, b, c] = [manifestOf('a'), manifestOf('b'), manifestOf('c')];
  await take(a);
  await take(a);
  expect(await refusalOf(take(b))).toMatchObject({ code: 'FORBIDDEN' });
  expect(bench.refused).toEqual(['dcn0 unknown-attempt']);
  expect([isKept(a), isKept(b)]).toEqual([true, false]);
  const second = taking(2);
  await take(b);
  expect(await refusalOf(take(c))).toMatchObject({ code: 'FORBIDDEN' });
  // The one that failed had its turn; one that is still at work loses nothing by it.
  failed(first);
  taking(3);
  await take(c);
  expect([isKept(a), isKept(b), isKept(c)]).toEqual([true, true, true]);
  failed(second);
  expect(await refusalOf(take(manifestOf('d')))).toMatchObject({ code: 'FORBIDDEN' });
});

test('one that could not be written takes the place of none', async () => {
  taking(1);
  const { catalogue } = bench.parts;
  const full = () => {
    throw new Error('database or disk is full');
  };
  Object.assign(catalogue, { transact: full });
  expect(await take(manifestOf('a')).catch(String)).toContain('disk is full');
  Reflect.deleteProperty(catalogue, 'transact');
  await take(manifestOf('a'));
  expect(isKept(manifestOf('a'))).toBe(true);
});

test('one that is longer than that of the image can be is not read to its end', async () => {
  taking(1);
  let read = 0;
  const long = pieces(Buffer.alloc(64 * MIB), MIB, () => read++);
  const refusal = await refusalOf(manifests.take('dcn0', long, never));
  expect(refusal).toMatchObject({ code: 'INVALID' });
  expect(refusal.message).toBe('the manifest is longer than 72 bytes');
  expect(read).toBe(1);
});

test('one of a store that takes nothing in is not read at all', async () => {
  taking(1);
  let read = 0;
  const refusal = await refusalOf(
    manifests.take(
      'central',
      pieces(Buffer.alloc(1), 1, () => read++),
      never,
    ),
  );
  expect(refusal).toMatchObject({ code: 'FORBIDDEN' });
  expect(bench.refused).toEqual(['central unknown-task']);
  expect(read).toBe(0);
});

test('those of a store are in memory one after the other, and wait for no other store', async () => {
  taking(1);
  taking(2);
  taking(3, 'central');
  const gate = Promise.withResolvers<void>();
  async function* slow() {
    await gate.promise;
    yield* pieces(manifestOf('a').encode());
  }
  let read = 0;
  const leaving = new AbortController();
  const first = manifests.take('dcn0', slow(), never);
  const second = manifests.take(
    'dcn0',
    pieces(manifestOf('b').encode(), 10, () => read++),
    never,
  );
  const third = manifests.take('dcn0', slow(), leaving.signal);
  expect(await take(manifestOf('c'), 'central')).toBe(manifestOf('c').root);
  leaving.abort(new Error('gone'));
  await expect(third).rejects.toThrow('gone');
  expect(read).toBe(0);
  gate.resolve();
  expect(await Promise.all([first, second])).toEqual([manifestOf('a').root, manifestOf('b').root]);
});

test('one that is sent waits for its turn too', async () => {
  taking(1);
  const { catalogue } = bench.parts;
  const { root } = manifestOf('a');
  await take(manifestOf('a'));
  catalogue.transact(() => {
    catalogue.images.setStatus(uuid(1), 'importing', {});
    const data = { sizeBytes: MIB, virtualSizeBytes: MIB, dataBytes: MIB, root };
    catalogue.images.setData(uuid(1), { ...data, checksum: '', osHashAlgo: 'sha512', osHashValue: '' });
  });
  const gate = Promise.withResolvers<void>();
  let bytes = 0;
  const write = async ({ data }: { data?: unknown }) => {
    bytes += (data as Buffer).length;
    await gate.promise;
  };
  const both = [1, 2].map(() => manifests.send('dcn0', root, write, never));
  await new Promise((resolve) => setImmediate(resolve));
  const length = manifestOf('a').encode().length;
  expect(bytes).toBe(length);
  gate.resolve();
  await Promise.all(both);
  expect(bytes).toBe(2 * length);
});
