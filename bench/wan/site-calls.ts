import type { DaemonOptions } from '../../test/cloud/daemon-process.ts';
import type { TcpJob, TcpPlace } from './tcp.ts';

/** How the kernel's TCP is set in a site. */
export interface TcpSettings {
  /** `cubic`, `bbr`: what the sender goes by. */
  readonly congestion: string;
  /** The most memory of a connection, in each direction. */
  readonly readBytes: number;
  readonly writeBytes: number;
}

/** What a process in a site's namespace does when asked. All may reject with an Error. */
export interface SiteCalls {
  setTcp(settings: TcpSettings): Promise<void>;
  /** A Ceph cluster in an empty folder. */
  startCluster(request: { readonly name: string; readonly folder: string }): Promise<ClusterPlace>;
  /** A hub or an agent, ready. Resolves with its process. */
  startDaemon(options: DaemonOptions): Promise<number>;
  metricsOf(daemon: string): Promise<string>;
  logOf(daemon: string): Promise<string>;
  /** An ssh server at an address. Resolves with the command that reaches it, or a sentence why it cannot be had. */
  startSsh(request: {
    readonly folder: string;
    readonly address: string;
  }): Promise<readonly string[] | string>;
  /** A line of bash; resolves with the end of what it printed. */
  run(line: string): Promise<string>;
  receiveByTcp(address: string): Promise<TcpPlace>;
  sendByTcp(job: TcpJob): Promise<void>;
}

export interface ClusterPlace {
  readonly confPath: string;
  readonly pool: string;
}

export interface SiteQuestion {
  readonly id: number;
  readonly call: keyof SiteCalls;
  readonly argument: unknown;
}

export interface SiteAnswer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}
