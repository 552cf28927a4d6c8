import koffi, { type KoffiFunc } from 'koffi';
import { Refusal } from '../../domain/refusal.ts';
import { Gate } from './gate.ts';

/**
 * The only door to librados and librbd: their C functions by their own names, each
 * returning a promise of what the C function returned (0 or a length, or a negative
 * errno). The calls run on libuv's threads, so they never block the event loop.
 *
 * What is passed must outlive the call: everything is kept alive until it settles.
 */

/** An address in C's memory. 0n is never handed out. */
export type Pointer = bigint;
/** Receives an output argument as its only element. */
export type Out<T> = [T | null];
type Call = Promise<number>;

export interface NativeCalls {
  rados_create(cluster: Out<Pointer>, id: string): Call;
  rados_conf_read_file(cluster: Pointer, path: string): Call;
  rados_conf_set(cluster: Pointer, option: string, value: string): Call;
  rados_connect(cluster: Pointer): Call;
  rados_shutdown(cluster: Pointer): Promise<void>;
  rados_cluster_fsid(cluster: Pointer, buffer: Uint8Array, length: number): Call;
  rados_get_instance_id(cluster: Pointer): Call;
  rados_blocklist_add(cluster: Pointer, address: string, expireSeconds: number): Call;
  rados_pool_list(cluster: Pointer, buffer: Uint8Array, length: number): Call;
  rados_pool_lookup(cluster: Pointer, pool: string): Call;
  rados_mon_command(
    cluster: Pointer,
    command: readonly string[],
    count: number,
    input: null,
    inputLength: number,
    output: Out<Pointer>,
    outputLength: Out<number>,
    status: Out<Pointer>,
    statusLength: Out<number>,
  ): Call;
  rados_buffer_free(buffer: Pointer): Promise<void>;
  rados_ioctx_create(cluster: Pointer, pool: string, io: Out<Pointer>): Call;
  rados_ioctx_destroy(io: Pointer): Promise<void>;
  rados_set_pool_full_try(io: Pointer): Promise<void>;
  rados_exec(
    io: Pointer,
    object: string,
    cls: string,
    method: string,
    input: Uint8Array,
    inputLength: number,
    output: Uint8Array,
    outputLength: number,
  ): Call;
  rados_list_lockers(
    io: Pointer,
    object: string,
    name: string,
    exclusive: Out<number>,
    tag: Uint8Array,
    tagLength: [number],
    clients: Uint8Array,
    clientsLength: [number],
    cookies: Uint8Array,
    cookiesLength: [number],
    addresses: Uint8Array,
    addressesLength: [number],
  ): Call;
  rados_break_lock(io: Pointer, object: string, name: string, client: string, cookie: string): Call;
  rados_write_full(io: Pointer, object: string, data: Uint8Array, length: number): Call;
  rados_remove(io: Pointer, object: string): Call;

  rbd_list2(io: Pointer, images: Uint8Array, count: [number]): Call;
  rbd_image_spec_list_cleanup(images: Uint8Array, count: number): Promise<void>;
  rbd_create3(
    io: Pointer,
    name: string,
    size: number,
    features: number,
    order: [number],
    stripeUnit: number,
    stripeCount: number,
  ): Call;
  rbd_remove(io: Pointer, name: string): Call;
  rbd_resize(image: Pointer, size: number): Call;
  rbd_open_by_id(io: Pointer, id: string, image: Out<Pointer>, snapshot: string | null): Call;
  rbd_open_by_id_read_only(io: Pointer, id: string, image: Out<Pointer>, snapshot: string | null): Call;
  rbd_close(image: Pointer): Call;
  rbd_get_flags(image: Pointer, flags: Out<number>): Call;
  rbd_rebuild_object_map(image: Pointer, progress: Pointer, argument: null): Call;
  rbd_get_size(image: Pointer, size: Out<number>): Call;
  rbd_stat(image: Pointer, info: Uint8Array, length: number): Call;
  rbd_get_stripe_count(image: Pointer, count: Out<number>): Call;
  rbd_read(image: Pointer, offset: number, length: number, buffer: Uint8Array): Call;
  rbd_write(image: Pointer, offset: number, length: number, buffer: Uint8Array): Call;
  rbd_write_zeroes(
    image: Pointer,
    offset: number,
    length: number,
    zeroFlags: number,
    operationFlags: number,
  ): Call;
  rbd_flush(image: Pointer): Call;
  rbd_diff_iterate2(
    image: Pointer,
    from: null,
    offset: number,
    length: number,
    includeParent: 0 | 1,
    wholeObject: 0 | 1,
    callback: Pointer,
    argument: Pointer,
  ): Call;
  rbd_metadata_get(image: Pointer, key: string, value: Uint8Array, length: [number]): Call;
  rbd_metadata_set(image: Pointer, key: string, value: string): Call;
  rbd_snap_list(image: Pointer, snapshots: Uint8Array, count: [number]): Call;
  rbd_snap_list_end(snapshots: Uint8Array): Promise<void>;
  rbd_snap_get_namespace_type(image: Pointer, id: number, type: Out<number>): Call;
  rbd_snap_remove_by_id(image: Pointer, id: number): Call;
  /** null: the head. */
  rbd_snap_set(image: Pointer, name: string | null): Call;
  rbd_snap_create(image: Pointer, name: string): Call;
  rbd_snap_remove(image: Pointer, name: string): Call;
  rbd_snap_protect(image: Pointer, name: string): Call;
  rbd_snap_unprotect(image: Pointer, name: string): Call;
  rbd_snap_is_protected(image: Pointer, name: string, isProtected: Out<number>): Call;
  rbd_snap_get_id(image: Pointer, name: string, id: Out<number>): Call;
  rbd_watchers_list(image: Pointer, watchers: Uint8Array, count: [number]): Call;
  rbd_watchers_list_cleanup(watchers: Uint8Array, count: number): Promise<void>;
}

/** As in rados/librados.h and rbd/librbd.h of Ceph 16.2; `ssize_t` is int64_t here. */
const PROTOTYPES: Readonly<Record<keyof NativeCalls, string>> = {
  rados_create: 'int f(_Out_ void **cluster, const char *id)',
  rados_conf_read_file: 'int f(void *cluster, const char *path)',
  rados_conf_set: 'int f(void *cluster, const char *option, const char *value)',
  rados_connect: 'int f(void *cluster)',
  rados_shutdown: 'void f(void *cluster)',
  rados_cluster_fsid: 'int f(void *cluster, void *buf, size_t len)',
  rados_get_instance_id: 'uint64_t f(void *cluster)',
  rados_blocklist_add: 'int f(void *cluster, const char *client_address, uint32_t expire_seconds)',
  rados_pool_list: 'int f(void *cluster, void *buf, size_t len)',
  rados_pool_lookup: 'int64_t f(void *cluster, const char *pool_name)',
  rados_mon_command:
    'int f(void *cluster, const char **cmd, size_t cmdlen, void *inbuf, size_t inbuflen, _Out_ void **outbuf, _Out_ size_t *outbuflen, _Out_ void **outs, _Out_ size_t *outslen)',
  rados_buffer_free: 'void f(void *buf)',
  rados_ioctx_create: 'int f(void *cluster, const char *pool_name, _Out_ void **ioctx)',
  rados_ioctx_destroy: 'void f(void *io)',
  rados_set_pool_full_try: 'void f(void *io)',
  rados_exec:
    'int f(void *io, const char *oid, const char *cls, const char *method, const void *in_buf, size_t in_len, void *buf, size_t out_len)',
  rados_list_lockers:
    'int64_t f(void *io, const char *o, const char *name, _Out_ int *exclusive, void *tag, _Inout_ size_t *tag_len, void *clients, _Inout_ size_t *clients_len, void *cookies, _Inout_ size_t *cookies_len, void *addrs, _Inout_ size_t *addrs_len)',
  rados_break_lock:
    'int f(void *io, const char *o, const char *name, const char *client, const char *cookie)',
  rados_write_full: 'int f(void *io, const char *oid, const void *buf, size_t len)',
  rados_remove: 'int f(void *io, const char *oid)',

  rbd_list2: 'int f(void *io, void *images, _Inout_ size_t *max_images)',
  rbd_image_spec_list_cleanup: 'void f(void *images, size_t num_images)',
  rbd_create3:
    'int f(void *io, const char *name, uint64_t size, uint64_t features, _Inout_ int *order, uint64_t stripe_unit, uint64_t stripe_count)',
  rbd_remove: 'int f(void *io, const char *name)',
  rbd_resize: 'int f(void *image, uint64_t size)',
  rbd_open_by_id: 'int f(void *io, const char *id, _Out_ void **image, const char *snap_name)',
  rbd_open_by_id_read_only: 'int f(void *io, const char *id, _Out_ void **image, const char *snap_name)',
  rbd_close: 'int f(void *image)',
  rbd_get_flags: 'int f(void *image, _Out_ uint64_t *flags)',
  rbd_rebuild_object_map: 'int f(void *image, void *cb, void *cbdata)',
  rbd_get_size: 'int f(void *image, _Out_ uint64_t *size)',
  rbd_stat: 'int f(void *image, void *info, size_t infosize)',
  rbd_get_stripe_count: 'int f(void *image, _Out_ uint64_t *stripe_count)',
  rbd_read: 'int64_t f(void *image, uint64_t ofs, size_t len, void *buf)',
  rbd_write: 'int64_t f(void *image, uint64_t ofs, size_t len, const void *buf)',
  rbd_write_zeroes: 'int64_t f(void *image, uint64_t ofs, size_t len, int zero_flags, int op_flags)',
  rbd_flush: 'int f(void *image)',
  rbd_diff_iterate2:
    'int f(void *image, const char *fromsnapname, uint64_t ofs, uint64_t len, uint8_t include_parent, uint8_t whole_object, void *cb, void *arg)',
  rbd_metadata_get: 'int f(void *image, const char *key, void *value, _Inout_ size_t *val_len)',
  rbd_metadata_set: 'int f(void *image, const char *key, const char *value)',
  rbd_snap_list: 'int f(void *image, void *snaps, _Inout_ int *max_snaps)',
  rbd_snap_list_end: 'void f(void *snaps)',
  rbd_snap_get_namespace_type: 'int f(void *image, uint64_t snap_id, _Out_ int *namespace_type)',
  rbd_snap_remove_by_id: 'int f(void *image, uint64_t snap_id)',
  rbd_snap_set: 'int f(void *image, const char *snapname)',
  rbd_snap_create: 'int f(void *image, const char *snapname)',
  rbd_snap_remove: 'int f(void *image, const char *snapname)',
  rbd_snap_protect: 'int f(void *image, const char *snap_name)',
  rbd_snap_unprotect: 'int f(void *image, const char *snap_name)',
  rbd_snap_is_protected: 'int f(void *image, const char *snap_name, _Out_ int *is_protected)',
  rbd_snap_get_id: 'int f(void *image, const char *snapname, _Out_ uint64_t *snap_id)',
  rbd_watchers_list: 'int f(void *image, void *watchers, _Inout_ size_t *max_watchers)',
  rbd_watchers_list_cleanup: 'void f(void *watchers, size_t num_watchers)',
};

let loaded: NativeCalls | undefined;

/** Loads the libraries at the first call; INVALID when they are not installed. */
export function native(): NativeCalls {
  loaded ??= load();
  return loaded;
}

function load(): NativeCalls {
  try {
    makeRoom();
    const rados = koffi.load('librados.so.2');
    const rbd = koffi.load('librbd.so.1');
    const calls = Object.entries(PROTOTYPES).map(([name, prototype]) => {
      const library = name.startsWith('rados_') ? rados : rbd;
      return [name, asynchronous(library.func(prototype.replace(' f(', ` ${name}(`)))] as const;
    });
    return Object.fromEntries(calls) as unknown as NativeCalls;
  } catch (error) {
    throw new Refusal('INVALID', `Ceph's libraries cannot be loaded: ${(error as Error).message}`, {
      hint: 'install librbd of Ceph 16.2 or later (Debian: apt-get install librbd1)',
      cause: error,
    });
  }
}

/** koffi gives each call a stack of its own; librbd was found to do with 64 KiB, which is no promise. */
const STACK_BYTES = 512 * 1024;

function makeRoom(): void {
  // Refused when something else in the process has loaded a library before: 128 KiB then.
  try {
    koffi.config({ async_stack_size: STACK_BYTES, resident_async_pools: 32 });
  } catch {}
}

/**
 * A call holds its thread for as long as the cluster takes, up to the time limit when
 * the site is away. Some threads stay free for the rest of the process: files, names, digests.
 */
const gate = new Gate(threadsForCeph(Number(process.env['UV_THREADPOOL_SIZE'] ?? 4)));

export function threadsForCeph(poolThreads: number): number {
  const threads = Number.isInteger(poolThreads) && poolThreads > 0 ? poolThreads : 4;
  return Math.max(1, threads >= 8 ? threads - 4 : Math.floor(threads / 2));
}

/** Arguments of calls under way: koffi hands C their addresses, and V8 must not free them meanwhile. */
const pinned = new Set<readonly unknown[]>();

function asynchronous(
  func: KoffiFunc<(...args: unknown[]) => unknown>,
): (...args: unknown[]) => Promise<unknown> {
  return async (...args) => {
    await gate.enter();
    pinned.add(args);
    try {
      return await new Promise((resolve, reject) => {
        const settle = (error: unknown, result: unknown) => (error ? reject(error) : resolve(result));
        func.async(...args, settle);
      });
    } finally {
      pinned.delete(args);
      gate.leave();
    }
  };
}

const DiffCallback = koffi.proto(
  'int entrepot_diff(uint64_t offset, size_t length, int exists, void *argument)',
);

/** Told of each extent: offset and length in bytes, whether it is data, and the call's own argument. */
export type DiffListener = (offset: number, length: number, exists: number, argument: Pointer) => void;

/**
 * A function pointer for rbd_diff_iterate2. C calls it on one of libuv's threads, which
 * waits until the listener has run on the event loop. Registered once for all
 * calls: an unregistered callback must not be called any more, and its slot is a scarce thing.
 */
export function diffCallback(listener: DiffListener): Pointer {
  return koffi.register((offset: number, length: number, exists: number, argument: Pointer) => {
    listener(offset, length, exists, argument);
    return 0;
  }, koffi.pointer(DiffCallback));
}

const ProgressCallback = koffi.proto(
  'int entrepot_progress(uint64_t offset, uint64_t total, void *argument)',
);

/** A function pointer for calls that insist on telling how far they are. */
export function progressCallback(): Pointer {
  return koffi.register(() => 0, koffi.pointer(ProgressCallback));
}

const ImageSpec = koffi.struct({ id: 'const char *', name: 'const char *' });
const Watcher = koffi.struct({ address: 'const char *', clientId: 'int64_t', cookie: 'uint64_t' });

const Snapshot = koffi.struct({ id: 'uint64_t', size: 'uint64_t', name: 'const char *' });
/** The start of rbd_image_info_t; the rest is deprecated. */
const ImageInfo = koffi.struct({
  size: 'uint64_t',
  objectBytes: 'uint64_t',
  objects: 'uint64_t',
  order: 'int',
  rest: koffi.array('uint8_t', 132),
});

/** Sizes of C's structures, in bytes. */
export const SPEC_BYTES = koffi.sizeof(ImageSpec);
export const WATCHER_BYTES = koffi.sizeof(Watcher);
export const SNAPSHOT_BYTES = koffi.sizeof(Snapshot);
export const INFO_BYTES = koffi.sizeof(ImageInfo);

export function decodeInfo(buffer: Uint8Array): { readonly size: number; readonly objectBytes: number } {
  return koffi.decode(buffer, ImageInfo);
}

/** Before rbd_image_spec_list_cleanup, which frees the strings. */
export function decodeSpecs(
  buffer: Uint8Array,
  count: number,
): { readonly id: string; readonly name: string }[] {
  return count === 0 ? [] : koffi.decode(buffer, koffi.array(ImageSpec, count));
}

/** Before rbd_snap_list_end. */
export function decodeSnapshots(
  buffer: Uint8Array,
  count: number,
): { readonly id: number; readonly name: string }[] {
  return count === 0 ? [] : koffi.decode(buffer, koffi.array(Snapshot, count));
}

/** Before rbd_watchers_list_cleanup. `clientId` is the number in `client.4711`. */
export function decodeWatchers(
  buffer: Uint8Array,
  count: number,
): { readonly address: string; readonly clientId: number }[] {
  return count === 0 ? [] : koffi.decode(buffer, koffi.array(Watcher, count));
}

/** Bytes at an address, copied. */
export function decodeBytes(pointer: Pointer, length: number): Buffer {
  return Buffer.from(Buffer.from(koffi.view(pointer, length)));
}
