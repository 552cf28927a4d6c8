import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadHubConfig } from '../../src/config/hub-config.ts';
import { initHub } from '../../src/hub/init.ts';
import { type Credentials, loadCredentials } from '../../src/trust/credentials.ts';
import { DaemonProcess } from '../../test/cloud/daemon-process.ts';

/** The first operator, an admin, who also owns the images. */
export const OPERATOR = 'admin';

/**
 * What differs from a hub as it comes, because one machine plays everybody: all connections come from one
 * address, and one operator asks for as many as a whole cloud. Sixteen copies at a time, as it comes too,
 * are not what holds the hub up: with TASK_MS each that is 800 copies in a second.
 */
export const SETTINGS = {
  limits: { connections_per_network: 2048, operator_calls_per_second: 100_000 },
} as const;

/** Of the hub's process. */
export interface Memory {
  readonly residentBytes: number;
  /** The most it ever was. */
  readonly peakBytes: number;
}

/** A hub as an operator runs it: made by `hub init`, a process of its own, TLS. Disposing of it ends it and removes its folder. */
export class BenchHub implements AsyncDisposable {
  readonly folder: string;
  /** Where a debugger reaches it. */
  readonly debugPort: number | undefined;
  readonly #grpcPort: number;
  readonly #daemon: DaemonProcess;

  private constructor(folder: string, grpcPort: number, httpPort: number, debugPort: number | undefined) {
    this.folder = folder;
    this.debugPort = debugPort;
    this.#grpcPort = grpcPort;
    this.#daemon = new DaemonProcess({
      name: 'hub',
      arguments: ['hub', '--config', this.configPath],
      httpPort,
      logPath: join(folder, 'hub.log'),
      ...(debugPort !== undefined && { env: { NODE_OPTIONS: `--inspect=127.0.0.1:${debugPort}` } }),
    });
  }

  /** Made, not started: its catalogue can be filled. With `isProfiled` a debugger can reach it. */
  static async create(isProfiled: boolean): Promise<BenchHub> {
    const folder = await mkdtemp(join(tmpdir(), 'entrepot-bench-control-'));
    const [grpcPort, httpPort] = [await freePort(), await freePort()];
    const debugPort = isProfiled ? await freePort() : undefined;
    const hub = new BenchHub(folder, grpcPort, httpPort, debugPort);
    try {
      const listen = { grpc: hub.address, http: `127.0.0.1:${httpPort}` };
      await writeFile(hub.configPath, stringify({ listen, catalogue: 'catalogue.sqlite', ...SETTINGS }));
      const config = await loadHubConfig(hub.configPath);
      await initHub({ config, operatorName: OPERATOR, operatorFolder: join(folder, OPERATOR) });
      return hub;
    } catch (error) {
      await hub[Symbol.asyncDispose]();
      throw error;
    }
  }

  get configPath(): string {
    return join(this.folder, 'hub.yaml');
  }

  get cataloguePath(): string {
    return join(this.folder, 'catalogue.sqlite');
  }

  get credentialsFolder(): string {
    return join(this.folder, 'credentials');
  }

  get address(): string {
    return `127.0.0.1:${this.#grpcPort}`;
  }

  async operator(): Promise<Credentials> {
    return await loadCredentials(join(this.folder, OPERATOR));
  }

  /** Until it is ready. */
  async start(): Promise<void> {
    await this.#daemon.start();
  }

  async memory(): Promise<Memory> {
    const status = await readFile(`/proc/${this.#daemon.pid}/status`, 'utf8');
    return { residentBytes: kibIn(status, 'VmRSS') * 1024, peakBytes: kibIn(status, 'VmHWM') * 1024 };
  }

  /** Processor time of the hub since its start, of user and system together. */
  async cpuSeconds(): Promise<number> {
    const text = await readFile(`/proc/${this.#daemon.pid}/stat`, 'utf8');
    // The name of the process, in brackets, may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  }

  /** The file and what its log holds that is not in it yet. */
  async databaseBytes(): Promise<{ readonly file: number; readonly log: number }> {
    const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size ?? 0;
    return { file: await sizeOf(this.cataloguePath), log: await sizeOf(`${this.cataloguePath}-wal`) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** USER_HZ: what the kernel shows times in, on every architecture we run on. */
const CLOCK_TICKS_PER_SECOND = 100;

function kibIn(status: string, name: string): number {
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  if (kib === undefined) throw new Error(`/proc does not tell ${name}`);
  return Number(kib);
}

async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    server.close(() => resolve(port));
  });
  return await promise;
}
