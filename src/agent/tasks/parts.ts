import type { Refusal } from '../../domain/refusal.ts';
import type { DigestPool } from '../../image/digests.ts';
import type { Store } from '../../store/store.ts';
import type { Frame, FrameSource } from '../../transfer/frames.ts';
import type { BytesBefore } from '../../transfer/ingest-checkpoint.ts';
import type { Verify } from '../../transfer/receiver.ts';
import type { ImportParts } from '../imports/parts.ts';
import type { ManifestCache } from '../manifest-cache.ts';
import type { AttemptKey } from '../messages.ts';
import type { OpenImages } from '../open-images.ts';
import type { PushSessions } from '../push-sessions.ts';
import type { TransferMemory } from '../transfer-memory.ts';

/** What tasks ask of the hub besides Attach. All reject with a Refusal. */
export interface HubCalls {
  /** The bytes an operator uploads, those that are here already left out. */
  pullUpload(key: AttemptKey, before: BytesBefore, signal: AbortSignal): AsyncIterable<Frame>;
  /** The manifest as it is kept, not yet checked. */
  getManifest(root: string, signal: AbortSignal): Promise<Uint8Array>;
  /** Durable at the hub when it settles. Repeated is done once. */
  putManifest(root: string, encoded: Uint8Array, signal: AbortSignal): Promise<void>;
}

/** The agent of a store that we dial. */
export interface DialledSource extends FrameSource, AsyncDisposable {
  /** In place of the one it was made with, also for what is under way. */
  setTicket(ticket: string): void;
}

export interface TaskParts {
  readonly store: Store;
  readonly hub: HubCalls;
  readonly pullFrom: (address: string, storeId: string, ticket: string) => DialledSource;
  /** Calls `end` when a store is cut off, until disposed of. */
  readonly onRevoked: (storeId: string, end: (reason: Refusal) => void) => Disposable;
  readonly pushSessions: PushSessions;
  readonly openImages: OpenImages;
  readonly manifests: ManifestCache;
  readonly digests: DigestPool;
  readonly memory: TransferMemory;
  readonly imports: ImportParts;
  /** How it is made sure that a copy is right. */
  readonly verify: Verify;
  /** A web server is waited for, and asked again. */
  readonly onFetchRetry: (reason: Refusal, delayMs: number) => void;
  /** A cleaning up that failed. */
  readonly onLeftover: (imageId: string, error: unknown) => void;
}
