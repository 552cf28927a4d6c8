import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../../test/cloud/wait.ts';
import type { SiteIdentity } from './identities.ts';
import type { CloudSize } from './population.ts';

const SITES_PROCESS = fileURLToPath(new URL('./sites-process.ts', import.meta.url));

/** More than one process has to be fast enough for the hub, not faster. */
const SITES_PER_PROCESS = 500;

/**
 * The hub takes 50 new connections in a second from one network, after 200 at once, and all sites are
 * on one here. Some are left for those who ask.
 */
const DIALS_AT_ONCE = 150;
const DIALS_PER_SECOND = 45;

const ATTACH_TIMEOUT_MS = 120_000;

/** What a child is told, once. */
export interface SitesOrder {
  readonly hub: string;
  readonly caPem: string;
  readonly size: CloudSize;
  readonly identities: readonly SiteIdentity[];
  /** So many sites dial at once, the others one by one after a pause each. */
  readonly undelayed: number;
  readonly dialMs: number;
}

/** What a child tells whenever it changed. */
export interface SitesReport {
  /** Sites that are attached now. */
  readonly attached: number;
  /** How often one was detached. */
  readonly detached: number;
  /** Results the hub has kept. */
  readonly kept: number;
  /** When the last of them was, milliseconds since the epoch. */
  readonly lastKeptAtMs: number;
  /** Why one was detached last. */
  readonly lastReason: string;
}

/** All simulated sites, in processes of their own. Disposing of it ends them. */
export class SiteFleet implements AsyncDisposable {
  readonly #children: readonly ChildProcess[];
  readonly #reports = new Map<ChildProcess, SitesReport>();
  readonly #sites: number;

  private constructor(order: Omit<SitesOrder, 'undelayed' | 'dialMs'>) {
    const { identities } = order;
    this.#sites = identities.length;
    const count = Math.ceil(identities.length / SITES_PER_PROCESS);
    this.#children = Array.from({ length: count }, (_, index) => {
      const child = fork(SITES_PROCESS, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      child.on('message', (report: SitesReport) => void this.#reports.set(child, report));
      child.send({
        ...order,
        identities: identities.filter((_one, at) => at % count === index),
        undelayed: DIALS_AT_ONCE / count,
        dialMs: (1000 * count) / DIALS_PER_SECOND,
      } satisfies SitesOrder);
      return child;
    });
  }

  /** Sites that are all attached; how long it took is the hub's limit on new connections before anything else. */
  static async start(
    order: Omit<SitesOrder, 'undelayed' | 'dialMs'>,
    signal: AbortSignal,
  ): Promise<SiteFleet> {
    const fleet = new SiteFleet(order);
    try {
      await waitFor(
        `${fleet.#sites} sites to attach`,
        () => fleet.#look(signal).attached === fleet.#sites,
        ATTACH_TIMEOUT_MS,
      );
      return fleet;
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Results kept so far. */
  get kept(): number {
    return this.#sum('kept');
  }

  /** How often a site was detached, and why the last time. */
  get detached(): { readonly times: number; readonly lastReason: string } {
    const reasons = [...this.#reports.values()].map((one) => one.lastReason);
    return { times: this.#sum('detached'), lastReason: reasons.find((one) => one !== '') ?? '' };
  }

  /**
   * Waits until so many results are kept in all, or for as long as it may take. Tells how many there are and
   * when the last one was kept, milliseconds since the epoch.
   */
  async waitForKept(
    count: number,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<{ readonly kept: number; readonly lastKeptAtMs: number }> {
    const deadline = Date.now() + limitMs;
    const isOver = () => this.#look(signal).kept >= count || Date.now() > deadline;
    await waitFor(`${count} results`, isOver, 2 * limitMs);
    const lastKeptAtMs = Math.max(0, ...[...this.#reports.values()].map((one) => one.lastKeptAtMs));
    return { kept: this.kept, lastKeptAtMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }),
    );
  }

  /** Throws when a child is gone, or the bench is to end. */
  #look(signal: AbortSignal): { readonly attached: number; readonly kept: number } {
    signal.throwIfAborted();
    if (this.#children.some(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)) {
      throw new Error('a process of simulated sites has ended');
    }
    return { attached: this.#sum('attached'), kept: this.kept };
  }

  #sum(what: 'attached' | 'detached' | 'kept'): number {
    return [...this.#reports.values()].reduce((sum, report) => sum + report[what], 0);
  }
}
