import type { Registry } from 'prom-client';
import type { Store } from '../store/store.ts';
import type { Loggers } from '../telemetry/log.ts';
import type { CompressionMode } from '../transfer/packing-choice.ts';
import type { Processors } from '../transfer/processors.ts';
import type { Verify } from '../transfer/receiver.ts';
import type { BackoffLimits } from './backoff.ts';
import type { ImportParts } from './imports/parts.ts';
import type { LinkSettings } from './links.ts';
import type { OwnCredentials } from './own-credentials.ts';

export interface AgentSettings extends LinkSettings {
  readonly storeId: string;
  readonly version: string;
  /** host:port of the hub. */
  readonly hubAddress: string;
  /** Where the Transfer service listens; port 0: one that is free. */
  readonly transfer: { readonly host: string; readonly port: number };
  /** host:port of the Transfer service as others reach it. Default: where it listens. */
  readonly advertise?: string | undefined;
  /** How it is made sure that a copy is right. Default: all of it is read back. */
  readonly verify?: Verify | undefined;
  /** Whether image data is packed for the way. Default: while it makes a copy faster. */
  readonly compression?: CompressionMode | undefined;
}

export interface AgentParts {
  readonly store: Store;
  /** What files are taken in with. */
  readonly imports: ImportParts;
  readonly credentials: OwnCredentials;
  readonly loggers: Loggers;
  readonly registry: Registry;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Numbers in [0, 1). */
  readonly random?: () => number;
  /** Default: those of this machine. */
  readonly processors?: Processors;
  readonly redial?: BackoffLimits;
  /** How the renewal of the certificate waits. Default: by the clock. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}
