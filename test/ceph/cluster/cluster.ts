import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { cephConf } from './conf.ts';
import { stopDaemon } from './daemon.ts';
import { IMAGES_CAPS, keyringText, keyringUser } from './keyring.ts';
import { claimPorts, removeCluster, removeStaleClusters } from './registry.ts';

/** A sparse file: takes what is written, not more. */
const DEFAULT_BLOCK_BYTES = 20 * 1024 ** 3;
const COMMAND_TIMEOUT_MS = 60_000;
/** An OSD that crashed serves no reads before the lease its former self had is over, 16 s; twice if it was not the first. */
const RETURN_TIMEOUT_MS = 180_000;
/** The monitor's ports were free a moment ago; somebody else may still take them first. */
const PORT_ATTEMPTS = 3;

export interface ClusterOptions {
  /** For messages. */
  readonly name: string;
  /** Made when absent, removed at the end. */
  readonly folder: string;
  /** First of 100 ports; a free block is found when it is not given. */
  readonly basePort?: number;
  /** Size of the OSD's disk, 20 GiB (sparse) by default. Below 8 GiB it calls itself full when 60 % are taken. */
  readonly blockBytes?: number;
}

export interface CommandOptions {
  /** Whose rights it has: the cluster's administrator, or the agent's. */
  readonly as?: 'admin' | 'images';
  readonly input?: string | Uint8Array;
  readonly timeoutMs?: number;
}

/** A real Ceph cluster on loopback: one monitor, one OSD, the pool `images`, the client `images`. */
export class CephCluster implements AsyncDisposable {
  readonly name: string;
  readonly fsid: string;
  readonly folder: string;
  readonly pool = 'images';

  private constructor(name: string, fsid: string, folder: string) {
    this.name = name;
    this.fsid = fsid;
    this.folder = folder;
  }

  /**
   * Brings a cluster up from nothing and resolves when it answers reads and writes.
   * Removes first what owners that died have left behind.
   */
  static async start(options: ClusterOptions): Promise<CephCluster> {
    await removeStaleClusters();
    for (let attempt = 1; ; attempt += 1) {
      const cluster = new CephCluster(options.name, randomUUID(), path.resolve(options.folder));
      try {
        await cluster.#create(options);
        return cluster;
      } catch (error) {
        await cluster[Symbol.asyncDispose]();
        const portWasTaken = String(error).includes('Address already in use');
        if (!portWasTaken || attempt === PORT_ATTEMPTS || options.basePort !== undefined) throw error;
      }
    }
  }

  /** Usable with the ids `images` and `admin`: it names their keyrings. */
  get confPath(): string {
    return path.join(this.folder, 'ceph.conf');
  }

  /** Runs `ceph` and returns what it printed. */
  ceph(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    return this.#client('ceph', args, options);
  }

  /** Runs `rbd` and returns what it printed. */
  rbd(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    return this.#client('rbd', args, options);
  }

  /** Runs `rados` and returns what it printed. */
  rados(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    return this.#client('rados', args, options);
  }

  /** The site goes away: reads and writes hang until it is back. SIGKILL is how a power cut looks. */
  async stopOsd(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await stopDaemon(this.folder, 'osd', signal);
  }

  /** The site returns. Resolves when reads answer: the map calls a killed OSD up for a while. */
  async startOsd(): Promise<void> {
    await this.#run('ceph-osd', ['-i', '0']);
    await this.rbd(['ls', this.pool], { timeoutMs: RETURN_TIMEOUT_MS });
  }

  async stopMon(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await stopDaemon(this.folder, 'mon', signal);
  }

  async startMon(): Promise<void> {
    await this.#run('ceph-mon', ['-i', 'a']);
  }

  /** Stops the daemons and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await removeCluster(this.folder);
  }

  async #create({ basePort, blockBytes = DEFAULT_BLOCK_BYTES }: ClusterOptions): Promise<void> {
    const { folder, fsid } = this;
    const claim = await claimPorts(folder, basePort);
    const monAddress = `[v2:127.0.0.1:${claim.basePort},v1:127.0.0.1:${claim.basePort + 1}]`;
    const monmap = path.join(folder, 'monmap');
    const osdUuid = randomUUID();
    await mkdir(path.join(folder, 'osd.0'), { recursive: true });
    await writeFile(this.confPath, cephConf({ fsid, folder, basePort: claim.basePort, blockBytes }));
    await this.#writeKeyrings();
    await this.#run('monmaptool', [
      '--create',
      '--clobber',
      '--fsid',
      fsid,
      '--addv',
      'a',
      monAddress,
      monmap,
    ]);
    // The OSD makes its disk while the monitor comes up.
    await Promise.all([
      this.#startFirstMon(monmap, osdUuid),
      this.#run('ceph-osd', [
        '-i',
        '0',
        '--mkfs',
        '--osd-uuid',
        osdUuid,
        '--no-mon-config',
        '--monmap',
        monmap,
      ]),
    ]);
    await this.#run('ceph-osd', ['-i', '0']);
    // Writes to the pool, so it returns when the OSD is up and the pool is active.
    await this.rbd(['pool', 'init', this.pool]);
  }

  async #startFirstMon(monmap: string, osdUuid: string): Promise<void> {
    const keyring = path.join(this.folder, 'mon.keyring');
    await this.#run('ceph-mon', ['-i', 'a', '--mkfs', '--monmap', monmap, '--keyring', keyring]);
    await this.startMon();
    // One interpreter for both: starting it costs more than what it does.
    await this.ceph([], { input: `osd new ${osdUuid} 0\nosd pool create ${this.pool} 8\n` });
  }

  /** All users go into the monitor's first keyring, so that none has to be added by a command. */
  async #writeKeyrings(): Promise<void> {
    const everything = { mon: 'allow *', osd: 'allow *', mgr: 'allow *', mds: 'allow *' };
    const mon = keyringUser('mon.', { mon: 'allow *' });
    const osd = keyringUser('osd.0', { mon: 'allow profile osd', mgr: 'allow profile osd', osd: 'allow *' });
    const admin = keyringUser('client.admin', everything);
    const images = keyringUser('client.images', IMAGES_CAPS);
    const write = (name: string, ...users: Parameters<typeof keyringText>[0]) =>
      writeFile(path.join(this.folder, name), keyringText(users), { mode: 0o600 });
    await Promise.all([
      write('mon.keyring', mon, admin, osd, images),
      write('osd.keyring', osd),
      write('ceph.client.admin.keyring', admin),
      write('ceph.client.images.keyring', images),
    ]);
  }

  #client(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
    return this.#run(command, ['--id', options.as ?? 'admin', ...args], options);
  }

  /** The one door to Ceph's programs. The daemons go to the background by themselves, and let go of our pipes. */
  async #run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
    const { stdout } = await execa(command, ['-c', this.confPath, ...args], {
      env: { CEPH_ARGS: undefined, CEPH_CONF: undefined, CEPH_KEYRING: undefined },
      ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
      timeout: options.timeoutMs ?? COMMAND_TIMEOUT_MS,
    });
    return stdout;
  }
}

/**
 * Several clusters at once, each in a folder of its own under `parent`. When one fails, all go.
 */
export async function startClusters(
  names: readonly string[],
  parent: string,
  options: Pick<ClusterOptions, 'blockBytes'> = {},
): Promise<CephCluster[]> {
  await removeStaleClusters();
  const starts = await Promise.allSettled(
    names.map((name) => CephCluster.start({ ...options, name, folder: path.join(parent, name) })),
  );
  const up = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const failure = starts.find((start) => start.status === 'rejected');
  if (failure === undefined) return up;
  await Promise.all(up.map((cluster) => cluster[Symbol.asyncDispose]()));
  throw failure.reason;
}
