import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Refusal, RefusalCode } from '../../src/domain/refusal.ts';
import { RbdStore, type RbdStoreOptions } from '../../src/store/rbd/rbd-store.ts';
import type { Store } from '../../src/store/store.ts';
import { CephCluster, type ClusterOptions } from './cluster/index.ts';

export const MIB = 1024 * 1024;
const SETUP_TIMEOUT_MS = 60_000;

/** A cluster for the tests of a suite, and a store on it, as the agent has it. */
export interface Fixture {
  readonly cluster: CephCluster;
  readonly store: RbdStore;
  /** A further client of the same pool; the caller disposes of it. */
  readonly open: (options?: Partial<RbdStoreOptions>) => Promise<RbdStore>;
}

/** Call it in a describe block; the returned function gives the fixture inside tests. */
export function useCluster(
  options: Partial<ClusterOptions> = {},
  storeOptions: Partial<RbdStoreOptions> = {},
): () => Fixture {
  let folder = '';
  let fixture: Fixture | undefined;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'entrepot-rbd-'));
    const cluster = await CephCluster.start({ name: 'rbd', folder: path.join(folder, 'ceph'), ...options });
    const open = async (more: Partial<RbdStoreOptions> = {}) => {
      const { confPath, pool } = cluster;
      const store = new RbdStore({
        confPath,
        clientId: 'images',
        pool,
        timeoutMs: 20_000,
        ...storeOptions,
        ...more,
      });
      await store.start();
      return store;
    };
    fixture = { cluster, open, store: await open() };
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await fixture?.store[Symbol.asyncDispose]();
    await fixture?.cluster[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }, SETUP_TIMEOUT_MS);
  return () => {
    if (fixture === undefined) throw new Error('the cluster is not up');
    return fixture;
  };
}

export async function formOf(store: Store, imageId: string): Promise<'whole' | 'partial' | undefined> {
  return (await store.list()).find((image) => image.imageId === imageId)?.form;
}

/** A whole image of 12 MiB whose first and last MiB are `byte`. */
export async function makeWhole(store: Store, imageId: string, byte = 0x5a): Promise<void> {
  await makePartial(store, imageId, byte);
  await store.publish(imageId);
}

/** The same, closed and not published. */
export async function makePartial(store: Store, imageId: string, byte = 0x5a): Promise<void> {
  await using partial = await store.openPartial(imageId, 12 * MIB);
  await partial.write(0, Buffer.alloc(MIB, byte));
  await partial.write(11 * MIB, Buffer.alloc(MIB, byte));
  await partial.flush();
}

export async function expectWhole(store: Store, imageId: string, byte = 0x5a): Promise<void> {
  expect(await formOf(store, imageId)).toBe('whole');
  await using image = await store.openWhole(imageId);
  const target = Buffer.alloc(12 * MIB, 0xee);
  await image.read(0, target);
  const expected = Buffer.alloc(12 * MIB);
  expected.fill(byte, 0, MIB).fill(byte, 11 * MIB);
  expect(target.equals(expected)).toBe(true);
}

/** Rejects with a Refusal of one of these codes; returns it. */
export async function refusal(promise: Promise<unknown>, ...codes: RefusalCode[]): Promise<Refusal> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'Refusal' });
  expect(codes).toContain((error as Refusal).code);
  return error as Refusal;
}

/** As librbd leaves it when it is cut in the making of the only snapshot of `image` (pool/name). */
export async function dropSnapshotMap(cluster: CephCluster, image: string): Promise<void> {
  const { id } = JSON.parse(await cluster.rbd(['info', '--format', 'json', image])) as { id: string };
  const objects = (await cluster.rados(['-p', 'images', 'ls'])).split('\n');
  const [map = '', ...others] = objects.filter((name) => name.startsWith(`rbd_object_map.${id}.`));
  expect(others).toEqual([]);
  await cluster.rados(['-p', 'images', 'rm', map]);
}

/** Others can open it: librbd trusts the map of which objects `snapshot` (pool/name@snap) has. */
export async function expectSoundMap(cluster: CephCluster, snapshot: string): Promise<void> {
  const info = await cluster.rbd(['info', '--format', 'json', snapshot]);
  expect((JSON.parse(info) as { flags: string[] }).flags).toEqual([]);
}
