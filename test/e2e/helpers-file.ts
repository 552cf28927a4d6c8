import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { HubConnection } from '../../src/cli/hub-connection.ts';
import type { Image, Job } from '../../src/cli/wire.ts';
import type { BulkChannelSettings } from '../../src/rpc/channel.ts';
import type { Credentials } from '../../src/trust/credentials.ts';
import { HUB } from '../../src/trust/identity.ts';
import { Cloud, type CloudOptions } from '../cloud/cloud.ts';
import { CuttableProxy } from '../cloud/cuttable-proxy.ts';
import { type DaemonProcess, ENTREPOT } from '../cloud/daemon-process.ts';
import { writeSampleImage } from '../cloud/sample-image.ts';
import { waitFor } from '../cloud/wait.ts';

export const MIB = 1024 * 1024;

/** Two cores, shared with another file of tests. */
const WAIT_MS = 60_000;

export interface BenchOptions extends Omit<CloudOptions, 'agent'> {
  /** Merged into the configuration of a store's agent. */
  readonly agent?: (storeId: string) => Record<string, unknown>;
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/**
 * A hub and an agent per store as processes, with central's data behind a proxy: every byte of
 * image data between sites goes through `line`, where a test can count, hold and cut it.
 */
export class Bench implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly line: CuttableProxy;
  /** The hub's calls without a process for each: for preparing and for looking, not for what is tested. */
  readonly calls: HubConnection;
  readonly #children = new Set<ChildProcess>();

  private constructor(cloud: Cloud, line: CuttableProxy, operator: Credentials) {
    this.cloud = cloud;
    this.line = line;
    this.calls = new HubConnection({
      address: cloud.hubAddress,
      requestId: 'bench',
      timeoutMs: 20_000,
      credentials: { kind: 'certificate', caPem: operator.caPem, credentials: operator },
    });
  }

  /** Configured, not started. */
  static async create({ agent, ...options }: BenchOptions = {}): Promise<Bench> {
    const hub = { queue: { retry: { first_delay_ms: 100, max_delay_ms: 1000 } }, ...options.hub };
    const cloud = await Cloud.create({ ...options, hub });
    const [central = ''] = cloud.storeIds;
    const config = agentConfig(cloud, central);
    const line = await CuttableProxy.start(
      Number((config['listen'] as { transfer: string }).transfer.split(':')[1]),
    );
    const bench = new Bench(cloud, line, await cloud.operator());
    bench.configure(central, { transfer_address: line.address });
    for (const id of cloud.storeIds) bench.configure(id, agent?.(id) ?? {});
    return bench;
  }

  /** All daemons ready. */
  static async start(options: BenchOptions = {}): Promise<Bench> {
    const bench = await Bench.create(options);
    try {
      await bench.cloud.startAll();
      return bench;
    } catch (error) {
      await bench[Symbol.asyncDispose]();
      throw error;
    }
  }

  get folder(): string {
    return this.cloud.folder;
  }

  /** For a channel to the hub, as the first operator. */
  async hub(): Promise<BulkChannelSettings> {
    const credentials = await this.cloud.operator();
    return { address: this.cloud.hubAddress, peer: 'the hub', credentials, expect: HUB };
  }

  /** Every daemon by its name: `hub`, then the store ids. */
  daemon(name: string): DaemonProcess {
    return name === 'hub' ? this.cloud.hub : this.cloud.agent(name);
  }

  /** Merges into the configuration of a store's agent; counts from its next start. */
  configure(storeId: string, change: Record<string, unknown>): void {
    writeFileSync(
      agentFile(this.cloud, storeId),
      stringify({ ...agentConfig(this.cloud, storeId), ...change }),
    );
  }

  /** Path of a raw file of `sizeMib` with about `dataMib` of data. */
  async sample(name: string, sizeMib: number, dataMib: number): Promise<string> {
    const path = join(this.folder, `${name}.raw`);
    await writeSampleImage(path, { sizeBytes: sizeMib * MIB, dataBytes: dataMib * MIB, seed: name });
    return path;
  }

  /** `entrepot image create`; the id of the active image. */
  async bring(name: string, path: string, ...options: string[]): Promise<string> {
    const args = ['image', 'create', '--name', name, '--file', path, ...options];
    return (await this.cloud.json<{ image: { id: string } }>(...args)).image.id;
  }

  /** Queues a copy; the job as it is then. */
  async copy(imageId: string, ...storeIds: string[]): Promise<Job> {
    const request = { imageId, storeIds, allStores: storeIds.length === 0, allStoresMustSucceed: false };
    const { job } = await this.calls.copyImage(request);
    if (job === null) throw new Error('there was nothing to copy');
    return job;
  }

  /** The job once it has ended. */
  async ended(jobId: string, timeoutMs = WAIT_MS): Promise<Job> {
    return await waitFor(
      `the end of job ${jobId}`,
      async () => {
        // The hub may be on its way back.
        const job = await this.calls.getJob(jobId).catch(() => undefined);
        return job !== undefined && job.state !== 'queued' && job.state !== 'running' ? job : undefined;
      },
      timeoutMs,
    );
  }

  /** Stores whose copy of the image is present and verified, by the hub. */
  async holders(imageId: string): Promise<string[]> {
    return (await this.calls.listLocations(imageId)).map(({ storeId }) => storeId);
  }

  async image(imageId: string): Promise<Image> {
    return await this.calls.getImage(imageId);
  }

  poolFolder(storeId: string): string {
    return join(this.folder, storeId, 'images');
  }

  wholeFile(storeId: string, imageId: string): string {
    return join(this.poolFolder(storeId), imageId);
  }

  partialFile(storeId: string, imageId: string): string {
    return join(this.poolFolder(storeId), `entrepot.partial.${imageId}`);
  }

  /** What lies in a store's pool: names with sizes. Its agent may be at work: what goes meanwhile is left out. */
  disk(storeId: string): string[] {
    if (!existsSync(this.poolFolder(storeId))) return [];
    return readdirSync(this.poolFolder(storeId))
      .flatMap((name) => {
        const found = statSync(join(this.poolFolder(storeId), name), { throwIfNoEntry: false });
        return found ? [`${name} ${found.size}`] : [];
      })
      .sort();
  }

  /** Everything a refused command must leave as it was. Jobs that have ended may be left out. */
  async state({ endedJobs = true } = {}): Promise<unknown> {
    const images: unknown[] = [];
    for await (const { id, status, name, copies } of this.calls.listImages(1000)) {
      images.push([id, status, name, copies.map(({ storeId, state }) => `${storeId} ${state}`)]);
    }
    const jobs = await this.calls.listJobs({ imageId: '', all: endedJobs, limit: 1000 });
    return {
      images,
      jobs: jobs.map(({ id, state }) => `${id} ${state}`),
      disk: this.cloud.storeIds.map((id) => this.disk(id)),
    };
  }

  /** An `entrepot` of which the test wants more than its end. Killed with the bench. */
  spawn(...args: string[]): CliProcess {
    const { hubAddress, operatorFolder } = this.cloud;
    const process = new CliProcess(['--hub', hubAddress, '--credentials', operatorFolder, ...args]);
    this.#children.add(process.child);
    return process;
  }

  /** Every line a daemon has logged, parsed; throws at one that is not JSON. */
  log(name: string): LogLine[] {
    return logLines(this.daemon(name).log());
  }

  /** The agent's own account of the last attempt at a task of this image that ended. */
  traffic(storeId: string, imageId: string): LogLine | undefined {
    return this.log(storeId).findLast(
      (line) =>
        line['imageId'] === imageId && line['receivedBytes'] !== undefined && line.msg.endsWith(' done'),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const name of ['hub', ...this.cloud.storeIds]) {
      // One that was stopped by SIGSTOP must go on, so that it can be waited for.
      if (this.daemon(name).isRunning) process.kill(this.daemon(name).pid, 'SIGCONT');
    }
    await this.calls[Symbol.asyncDispose]();
    await this.line[Symbol.asyncDispose]();
    await this.cloud[Symbol.asyncDispose]();
  }
}

/** A command that runs, and what it has said so far. */
export class CliProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<{
    readonly exitCode: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [ENTREPOT, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exited = once(this.child, 'close').then(([exitCode]) => ({
      exitCode: exitCode as number | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }
}

function agentFile(cloud: Cloud, storeId: string): string {
  return join(cloud.folder, `agent-${storeId}.yaml`);
}

export function agentConfig(cloud: Cloud, storeId: string): Record<string, unknown> {
  return parse(readFileSync(agentFile(cloud, storeId), 'utf8')) as Record<string, unknown>;
}

/** What a daemon logged. A warning of Node's own, which is a line of text, is left out. */
export function logLines(text: string): LogLine[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);
}

export interface Refused {
  readonly exit: number;
  readonly code: string;
  /** Part of the sentence. */
  readonly says: string;
  /** Part of the hint; null: there is none, because the sentence says it all. */
  readonly hint: string | null;
  readonly rule?: string;
}

export interface CliOutcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A complaint in its text form. */
export function expectTextRefusal({ exitCode, stdout, stderr }: CliOutcome, refused: Refused): void {
  const { says, hint, rule, exit } = refused;
  expect(stderr, 'stderr').toContain(says);
  const complaint = stderr.slice(stderr.lastIndexOf('entrepot: '));
  expect(complaint).toContain(says);
  if (hint === null) expect(complaint).not.toContain('hint: ');
  else expect(complaint.split('\n').find((line) => line.startsWith('hint: '))).toContain(hint);
  if (rule !== undefined) expect(complaint).toContain(`(rule ${rule})`);
  expect(stdout, 'stdout').toBe('');
  expect(exitCode, 'exit code').toBe(exit);
}

/** A complaint under `-o json`: one line, the last. */
export function expectJsonRefusal({ exitCode, stdout, stderr }: CliOutcome, refused: Refused): void {
  const { says, hint, rule, exit, code } = refused;
  const { error } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '') as {
    error: Record<string, unknown>;
  };
  expect(error).toEqual({
    code,
    message: expect.stringContaining(says),
    hint: hint === null ? null : expect.stringContaining(hint),
    rule: rule ?? null,
    job_id: error['job_id'],
    request_id: error['request_id'],
    exit_code: exit,
  });
  expect(stdout, 'stdout').toBe('');
  expect(exitCode, 'exit code').toBe(exit);
}
