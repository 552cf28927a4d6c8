import { randomUUID } from 'node:crypto';
import { total } from '../common/meter.ts';
import { runShell, ShellCommand } from '../common/shell.ts';
import type { SshServer } from '../common/ssh-server.ts';
import { createCommand, type Place, snapshotCommand, type Tool } from '../common/tools.ts';
import type { Method, Outcome, Trial } from './method.ts';
import type { Sites, StoreId } from './sites.ts';

/** One of the tools, to one edge or, as two commands at once, to two. */
export class ToolMethod implements Method {
  readonly name: string;
  readonly title: string;
  readonly #tool: Tool;
  readonly #sites: Sites;
  readonly #storeIds: readonly StoreId[];
  readonly #ssh: SshServer | undefined;
  /** The same in every run, and counted when first asked for. */
  #streamBytes: Promise<number | undefined> | undefined;

  constructor(tool: Tool, sites: Sites, storeIds: readonly StoreId[], ssh: SshServer | undefined) {
    this.name = storeIds.length === 1 ? tool.name : `${tool.name}-${storeIds.length}`;
    this.title = storeIds.length === 1 ? tool.title : `${tool.title}, ${storeIds.length} at once`;
    this.#tool = tool;
    this.#sites = sites;
    this.#storeIds = storeIds;
    this.#ssh = ssh;
  }

  get copies(): number {
    return this.#storeIds.length;
  }

  async prepare(signal: AbortSignal): Promise<Trial> {
    const targets = this.#storeIds.map((storeId) => ({ storeId, imageId: randomUUID() }));
    const places = targets.map(({ storeId, imageId }) => this.#sites.place(storeId, imageId));
    const { sizeBytes } = this.#sites.plan('first');
    if (this.#tool.needsTarget) {
      for (const place of places) await runShell(createCommand(place, sizeBytes), signal);
    }
    const commands: ShellCommand[] = [];
    return {
      clients: () => {
        const shells = commands.flatMap(({ pid }) => (pid === undefined ? [] : [[pid, 'bash'] as const]));
        const ssh = this.#ssh === undefined ? [] : [[this.#ssh.pid, 'sshd'] as const];
        return new Map([...shells, ...ssh]);
      },
      run: async () => {
        for (const place of places) commands.push(new ShellCommand(this.#line(place)));
        const ends = await Promise.allSettled(commands.map((command) => command.ended(signal)));
        for (const end of ends) if (end.status === 'rejected') throw end.reason;
        return undefined;
      },
      check: async () => {
        if (!this.#tool.makesSnapshot) {
          for (const place of places) await runShell(snapshotCommand(place), signal);
        }
        return await this.#outcome(targets, signal);
      },
      [Symbol.asyncDispose]: async () => {
        for (const { storeId, imageId } of targets) await this.#sites.remove(storeId, imageId, signal);
      },
    };
  }

  async #outcome(
    targets: readonly { storeId: StoreId; imageId: string }[],
    signal: AbortSignal,
  ): Promise<Outcome> {
    const poolBytes: number[] = [];
    for (const { storeId, imageId } of targets) {
      poolBytes.push(await this.#sites.compare(storeId, imageId, signal));
    }
    this.#streamBytes ??= this.#countStream(signal);
    const streamBytes = await this.#streamBytes;
    const wireBytes = streamBytes === undefined ? undefined : total(targets.map(() => streamBytes));
    return { wireBytes, poolBytes };
  }

  async #countStream(signal: AbortSignal): Promise<number | undefined> {
    const stream = this.#tool.stream?.(this.#source());
    return stream === undefined ? undefined : Number(await runShell(`${stream} | wc -c`, signal));
  }

  #line(target: Place): string {
    return this.#tool.command(this.#source(), target, this.#ssh?.command ?? []);
  }

  #source(): Place {
    return this.#sites.place('central', this.#sites.sourceId('first'));
  }
}
