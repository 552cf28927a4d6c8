import type { Socket } from 'node:net';
import { BULK_WINDOW_BYTES, type ChannelCredentials } from '../rpc/channel.ts';
import { type CongestionChoice, CongestionControl } from '../rpc/congestion.ts';
import { Distances, type Link } from '../rpc/distances.ts';
import type { ConnectionCount } from '../rpc/link-plan.ts';
import { PullSource } from '../rpc/pull-source.ts';
import type { Log } from '../telemetry/log.ts';
import type { Pacing } from './pacing.ts';

export interface LinkSettings {
  /** Image data that one transfer may have on the way at most. Default: BULK_WINDOW_BYTES. */
  readonly windowBytes?: number | undefined;
  /** Connections of one transfer. Default: by the distance. */
  readonly connections?: ConnectionCount | undefined;
  /** Of connections that send image data. Default: auto. */
  readonly congestionControl?: CongestionChoice | undefined;
}

export interface LinksParts {
  /** The store of this agent. */
  readonly storeId: string;
  readonly pacing: Pick<Pacing, 'highestRate'>;
  readonly log: Log;
}

export interface SourceSettings {
  /** `host:port` */
  readonly address: string;
  readonly storeId: string;
  readonly ticket: string;
  /** Asked for whenever a connection is made. */
  readonly credentials: () => ChannelCredentials;
}

/** How this agent uses the ways to other stores. */
export class Links {
  readonly windowBytes: number;
  readonly #connections: ConnectionCount;
  readonly #parts: LinksParts;
  readonly #distances = new Distances();
  readonly #congestion: CongestionControl;

  constructor(settings: LinkSettings, parts: LinksParts) {
    const { windowBytes = BULK_WINDOW_BYTES, connections = 'auto', congestionControl = 'auto' } = settings;
    this.windowBytes = windowBytes;
    this.#connections = connections;
    this.#parts = parts;
    this.#congestion = new CongestionControl({ choice: congestionControl, log: parts.log });
  }

  /** What is wanted of the way to the agent of a store. */
  to(otherId: string): Link {
    const wantedRate = this.#parts.pacing.highestRate([this.#parts.storeId, otherId]);
    const { windowBytes } = this;
    return { distances: this.#distances, connections: this.#connections, windowBytes, wantedRate };
  }

  /** The agent of a store, to pull from. */
  source({ address, storeId, ticket, credentials }: SourceSettings): PullSource {
    return new PullSource({
      address,
      peer: `agent of store ${storeId}`,
      credentials: credentials(),
      currentCredentials: credentials,
      expect: { kind: 'store', storeId },
      ticket,
      link: this.to(storeId),
      acceptsPacked: true,
    });
  }

  /** For each TCP connection that image data is sent on. */
  readonly onSocket = (socket: Socket): void => this.#congestion.apply(socket);
}
