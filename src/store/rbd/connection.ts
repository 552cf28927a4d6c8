import { Refusal } from '../../domain/refusal.ts';
import type { Space } from '../store.ts';
import { encodedString } from './encoding.ts';
import { EACCES, ENOENT, EPERM, ERANGE, Errors, type Site } from './errno.ts';
import { decodeBytes, native, type Out, type Pointer } from './librbd.ts';

export interface ConnectionOptions extends Site {
  /** Where the client's key is, when ceph.conf does not name it or names another. */
  readonly keyringPath?: string | undefined;
}

/** Answers of class methods are short, but for lists: these grow. */
const EXEC_BYTES = 4096;
const EXEC_LIMIT_BYTES = 64 * 1024 * 1024;
const POOL_LIST_BYTES = 64 * 1024;
/** Seconds a dead writer stays shut out; 0 is the cluster's default, an hour. */
const BLOCKLIST_SECONDS = 0;

interface Connected {
  readonly cluster: Pointer;
  readonly io: Pointer;
  readonly fsid: string;
  readonly clientId: number;
}

/** What looking at the images of one pool takes. */
export interface PoolAccess {
  readonly pool: string;
  readonly io: Pointer;
  readonly errors: Errors;
  /** The number in `client.4711`. */
  readonly clientId: number;
  /** As CephConnection's. */
  exec(object: string, method: string, input: Uint8Array): Promise<{ code: number; data: Buffer }>;
}

/** One client of a cluster, bound to one pool. */
export class CephConnection implements PoolAccess {
  readonly errors: Errors;
  readonly #options: ConnectionOptions;
  #connected: Connected | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.errors = new Errors(options);
  }

  /** INVALID with a hint when configuration, key, rights or pool are wrong; UNAVAILABLE when nobody answers. */
  async connect(): Promise<void> {
    const { confPath, clientId, pool } = this.#options;
    const calls = native();
    const cluster = await this.#create();
    let io: Pointer | undefined;
    try {
      await this.#configure(cluster);
      this.#checkConnect(await calls.rados_connect(cluster));
      const fsid = await this.#fsid(cluster);
      io = await this.#openPool(cluster, pool, fsid);
      // A full pool answers with an error; without this, writes wait for space without end.
      await calls.rados_set_pool_full_try(io);
      this.#connected = { cluster, io, fsid, clientId: await calls.rados_get_instance_id(cluster) };
      // The monitor has answered so far; only a read shows that the OSDs do, and that the rights are there.
      const { code } = await this.exec('rbd_directory', 'dir_get_id', encodedString('-'));
      if (code !== -ENOENT)
        this.errors.check(code, `read pool '${pool}' as client.${clientId} (${confPath})`);
    } catch (error) {
      this.#connected = undefined;
      if (io !== undefined) await calls.rados_ioctx_destroy(io);
      await calls.rados_shutdown(cluster);
      throw error;
    }
  }

  /** Twice is once. Nothing may use the connection any more. */
  async close(): Promise<void> {
    const connected = this.#connected;
    if (connected === undefined) return;
    this.#connected = undefined;
    await native().rados_ioctx_destroy(connected.io);
    await native().rados_shutdown(connected.cluster);
  }

  get io(): Pointer {
    return this.#required().io;
  }

  get fsid(): string {
    return this.#required().fsid;
  }

  get pool(): string {
    return this.#options.pool;
  }

  /** The number in `client.4711`, this connection's name among watchers. */
  get clientId(): number {
    return this.#required().clientId;
  }

  /**
   * Calls a method of the OSDs' class `rbd`: what librbd and the kernel's driver are made of,
   * and as stable. `code` is the answer's length or a negative errno.
   */
  async exec(
    object: string,
    method: string,
    input: Uint8Array,
    io: Pointer = this.io,
  ): Promise<{ code: number; data: Buffer }> {
    for (let bytes = EXEC_BYTES; ; bytes *= 16) {
      const out = Buffer.alloc(bytes);
      const code = await native().rados_exec(io, object, 'rbd', method, input, input.length, out, bytes);
      if (code !== -ERANGE || bytes > EXEC_LIMIT_BYTES)
        return { code, data: out.subarray(0, Math.max(0, code)) };
    }
  }

  /** Names of the cluster's pools by their number. */
  async pools(): Promise<Map<number, string>> {
    const { cluster } = this.#required();
    let buffer = Buffer.alloc(POOL_LIST_BYTES);
    const length = this.errors.check(
      await native().rados_pool_list(cluster, buffer, buffer.length),
      'list the pools',
    );
    if (length > buffer.length) {
      buffer = Buffer.alloc(length * 2);
      await native().rados_pool_list(cluster, buffer, buffer.length);
    }
    const pools = new Map<number, string>();
    for (const name of buffer.toString().split('\0').filter(Boolean)) {
      const id = await native().rados_pool_lookup(cluster, name);
      if (id >= 0) pools.set(id, name);
    }
    return pools;
  }

  /** Lends an access to another pool of the cluster. Undefined when the pool is gone. */
  async withPool<T>(pool: string, use: (io: Pointer) => Promise<T>): Promise<T | undefined> {
    const io: Out<Pointer> = [null];
    const code = await native().rados_ioctx_create(this.#required().cluster, pool, io);
    if (code === -ENOENT || io[0] === null) return undefined;
    this.errors.check(code, `open pool '${pool}'`);
    try {
      return await use(io[0]);
    } finally {
      await native().rados_ioctx_destroy(io[0]);
    }
  }

  /** The OSDs refuse whatever this address still sends, and forget its watches and locks. */
  async shutOut(address: string): Promise<void> {
    const { cluster } = this.#required();
    const code = await native().rados_blocklist_add(cluster, address, BLOCKLIST_SECONDS);
    this.errors.check(code, `shut out the dead client at ${address}`);
  }

  /** What the pool holds and can still take; undefined without a manager, which does the counting. */
  async space(): Promise<Space | undefined> {
    const reply = await this.#monCommand({ prefix: 'df', detail: 'detail', format: 'json' });
    return poolSpace(reply, this.#options.pool);
  }

  async #monCommand(command: Readonly<Record<string, string>>): Promise<string> {
    const { cluster } = this.#required();
    const output: Out<Pointer> = [null];
    const outputLength: Out<number> = [null];
    const status: Out<Pointer> = [null];
    const statusLength: Out<number> = [null];
    const text = JSON.stringify(command);
    const code = await native().rados_mon_command(
      cluster,
      [text],
      1,
      null,
      0,
      output,
      outputLength,
      status,
      statusLength,
    );
    try {
      this.errors.check(code, `ask the monitor for '${command['prefix']}'`);
      return output[0] === null ? '' : decodeBytes(output[0], outputLength[0] ?? 0).toString();
    } finally {
      for (const [pointer] of [output, status])
        if (pointer !== null) await native().rados_buffer_free(pointer);
    }
  }

  async #create(): Promise<Pointer> {
    const cluster: Out<Pointer> = [null];
    this.errors.check(await native().rados_create(cluster, this.#options.clientId), 'make a Ceph client');
    if (cluster[0] === null) throw new Refusal('INTERNAL', 'librados made no client');
    return cluster[0];
  }

  async #configure(cluster: Pointer): Promise<void> {
    const { confPath, keyringPath, timeoutMs } = this.#options;
    const read = await native().rados_conf_read_file(cluster, confPath);
    if (read < 0) {
      throw new Refusal('INVALID', `cannot read Ceph's configuration ${confPath}`, {
        hint: 'name a readable ceph.conf with the monitors of the site',
        cause: this.errors.refusal(read, 'read it'),
      });
    }
    const seconds = String(Math.max(1, Math.ceil(timeoutMs / 1000)));
    const lateSeconds = Math.min(timeoutMs / 3000, 10);
    const settings: Record<string, string> = {
      rados_osd_op_timeout: seconds,
      rados_mon_op_timeout: seconds,
      client_mount_timeout: seconds,
      // Only for a call that is late, by itself after 10 s, does a client ask for a newer map of its cluster (Ceph's
      // Objecter::tick). With a shorter time limit none ever was, and an OSD that was back was not found for minutes.
      objecter_timeout: String(lateSeconds),
      objecter_tick_interval: String(Math.min(lateSeconds, 5)),
      // A write has to be on disk, or to have failed, when it returns; and nothing is read twice.
      rbd_cache: 'false',
      // Our stderr carries our log.
      log_to_stderr: 'false',
      err_to_stderr: 'false',
      ...(keyringPath === undefined ? {} : { keyring: keyringPath }),
    };
    for (const [option, value] of Object.entries(settings)) {
      const code = await native().rados_conf_set(cluster, option, value);
      this.errors.check(code, `set ${option} of the Ceph client`);
    }
  }

  #checkConnect(code: number): void {
    const { confPath, clientId, keyringPath } = this.#options;
    if (code === -ENOENT) {
      throw new Refusal('INVALID', `no key for client.${clientId} where ${keyringPath ?? confPath} says`, {
        hint: `ceph auth get client.${clientId} prints a keyring; the agent must be able to read it`,
      });
    }
    if (code === -EACCES || code === -EPERM) {
      throw new Refusal(
        'INVALID',
        `the cluster of ${confPath} does not accept the key of client.${clientId}`,
        {
          hint: `compare the keyring with: ceph auth get client.${clientId}`,
        },
      );
    }
    this.errors.check(code, 'connect to the cluster');
  }

  async #fsid(cluster: Pointer): Promise<string> {
    const buffer = Buffer.alloc(64);
    const code = await native().rados_cluster_fsid(cluster, buffer, buffer.length);
    return buffer.toString('latin1', 0, this.errors.check(code, "read the cluster's id"));
  }

  async #openPool(cluster: Pointer, pool: string, fsid: string): Promise<Pointer> {
    const io: Out<Pointer> = [null];
    const code = await native().rados_ioctx_create(cluster, pool, io);
    if (code === -ENOENT) {
      throw new Refusal('INVALID', `pool '${pool}' is not in cluster ${fsid}`, {
        hint: `ceph osd pool create ${pool} && rbd pool init ${pool}`,
      });
    }
    this.errors.check(code, `open pool '${pool}'`);
    if (io[0] === null) throw new Refusal('INTERNAL', `librados opened no pool '${pool}'`);
    return io[0];
  }

  #required(): Connected {
    if (this.#connected !== undefined) return this.#connected;
    throw new Refusal('UNAVAILABLE', `the store of pool '${this.#options.pool}' is not connected`, {
      hint: 'it is not started yet, or it is closed',
    });
  }
}

/** The pool's line in the answer to `df detail`: what fits, given replication and quota. */
export function poolSpace(json: string, pool: string): Space | undefined {
  const reply = JSON.parse(json) as {
    pools?: { name: string; stats?: { stored?: number; max_avail?: number; quota_bytes?: number } }[];
  };
  const stats = reply.pools?.find(({ name }) => name === pool)?.stats;
  const storedBytes = stats?.stored ?? 0;
  const quotaBytes = stats?.quota_bytes || Number.POSITIVE_INFINITY;
  const freeBytes = Math.min(stats?.max_avail ?? 0, Math.max(0, quotaBytes - storedBytes));
  const totalBytes = freeBytes + storedBytes;
  return totalBytes === 0 ? undefined : { totalBytes, freeBytes };
}
