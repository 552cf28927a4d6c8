import { Refusal } from '../domain/refusal.ts';
import { callDuplex, callServerStream, callUnary, type DuplexCall } from '../rpc/calls.ts';
import { bulkChannel, type Channel, type ChannelSettings, controlChannel } from '../rpc/channel.ts';
import type { CopyImageRequest } from '../rpc/generated/entrepot/v1/CopyImageRequest.ts';
import type { CreateImageRequest } from '../rpc/generated/entrepot/v1/CreateImageRequest.ts';
import type { ListImagesRequest } from '../rpc/generated/entrepot/v1/ListImagesRequest.ts';
import type { ListJobsRequest } from '../rpc/generated/entrepot/v1/ListJobsRequest.ts';
import { REQUEST_ID_KEY } from '../rpc/limits.ts';
import { Events, Images, Jobs, Operators, Stores } from '../rpc/proto.ts';
import type { Frame } from '../transfer/frames.ts';
import type { OperatorCredentials } from '../trust/credentials.ts';
import { HUB } from '../trust/identity.ts';
import { shownTo } from './credentials.ts';
import { ImportCalls } from './import-calls.ts';
import { RecordCalls, type UnaryMethod } from './record-calls.ts';
import type {
  AddStoreReply,
  CopyImageReply,
  Event,
  Image,
  IssuedCertificate,
  IssuedToken,
  Job,
  Location,
  Operator,
  Store,
  UploadReply,
  WhoAmIReply,
} from './wire.ts';

/** Names the job that the bytes of an Upload are for (proto/entrepot/v1/images.proto). */
const JOB_ID_KEY = 'entrepot-job-id';

/** Images asked for at once. A page of records without data is small; of a list nobody waits for all. */
const PAGE_IMAGES = 500;

/** Events asked for at once: what the hub gives at most. */
const PAGE_EVENTS = 1000;

export interface HubSettings {
  /** host:port */
  readonly address: string;
  /** Who asks. */
  readonly credentials: OperatorCredentials;
  /** Found again in the logs of the hub and of the agents. */
  readonly requestId: string;
  /** Of one question and its answer. Streams have no limit. */
  readonly timeoutMs: number;
}

/** Empty: any. */
export interface EventFilter {
  /** Milliseconds since the epoch; 0: from the first. */
  readonly sinceMs: number;
  readonly imageId: string;
  readonly storeId: string;
  /** `operator/alice`, `store/dcn0`, `hub` */
  readonly actor: string;
}

export interface DownloadStart {
  readonly imageId: string;
  /** Whose copy is read; empty: central's. */
  readonly storeId: string;
  /** Frames begin there: a whole number of chunks, or the image's size. */
  readonly fromByte: number;
}

/** The hub's calls, as commands make them. All reject with the Refusal the hub answered, or UNAVAILABLE. */
export class HubConnection implements AsyncDisposable {
  /** The ways in. */
  readonly imports = new ImportCalls((method, request) => this.#ask(method, request));
  /** Changes of records, and members. */
  readonly records = new RecordCalls((method, request) => this.#ask(method, request));
  readonly #settings: HubSettings;
  readonly #control: Channel;
  #bulk: Channel | undefined;

  constructor(settings: HubSettings) {
    this.#settings = settings;
    this.#control = controlChannel(this.#channel());
  }

  async listStores(): Promise<Store[]> {
    return (await this.#ask(Stores.List, {})).stores;
  }

  /** A lifetime of 0 seconds, and an empty role, are what the hub makes of them. */
  addStore(id: string, role: string, tokenLifetimeSeconds: number): Promise<AddStoreReply> {
    return this.#ask(Stores.Add, { id, role, tokenLifetimeSeconds });
  }

  revokeStore(id: string): Promise<Store> {
    return this.#ask(Stores.Revoke, { id });
  }

  /** How many copies nobody knows of any more. */
  async removeStore(id: string, orphanCopies: boolean): Promise<number> {
    return (await this.#ask(Stores.Remove, { id, orphanCopies })).orphanedCopies;
  }

  /** `rate`: a timetable; `off` for none. */
  setStore(id: string, rate: string): Promise<Store> {
    return this.#ask(Stores.Set, { id, rate });
  }

  pauseStore(id: string): Promise<Store> {
    return this.#ask(Stores.Pause, { id });
  }

  resumeStore(id: string): Promise<Store> {
    return this.#ask(Stores.Resume, { id });
  }

  addOperator(name: string, role: string): Promise<Operator> {
    return this.#ask(Operators.Add, { name, role });
  }

  async listOperators(): Promise<Operator[]> {
    return (await this.#ask(Operators.List, {})).operators;
  }

  /** `certificateRequest`: PKCS#10 in DER. */
  issueCertificate(name: string, certificateRequest: Buffer): Promise<IssuedCertificate> {
    return this.#ask(Operators.IssueCertificate, { name, certificateRequest });
  }

  /** 0 seconds: as long as the hub has it. */
  issueToken(name: string, lifetimeSeconds: number): Promise<IssuedToken> {
    return this.#ask(Operators.IssueToken, { name, lifetimeSeconds });
  }

  /** Without a credential named, the operator with all of them. */
  revokeOperator(name: string, credentialId = ''): Promise<Operator> {
    return this.#ask(Operators.Revoke, { name, credentialId });
  }

  whoAmI(): Promise<WhoAmIReply> {
    return this.#ask(Operators.WhoAmI, {});
  }

  /** At most `limit` events, oldest first, page by page. */
  async *listEvents(filter: EventFilter, limit: number): AsyncGenerator<Event> {
    let afterSequence = 0;
    for (let left = limit; left > 0; ) {
      const request = { ...filter, afterSequence, limit: Math.min(left, PAGE_EVENTS) };
      const { events, hasMore } = await this.#ask(Events.List, request);
      const last = events.at(-1);
      if (last === undefined || last.sequence <= afterSequence) return;
      yield* events.slice(0, left);
      if (!hasMore) return;
      left -= events.length;
      afterSequence = last.sequence;
    }
  }

  createImage(request: CreateImageRequest): Promise<Image> {
    return this.#ask(Images.Create, request);
  }

  getImage(imageId: string): Promise<Image> {
    return this.#ask(Images.Get, { imageId });
  }

  /** At most `limit` images, page by page, so that no answer is too long for one message. */
  async *listImages(limit: number, wanted: ListImagesRequest = {}): AsyncGenerator<Image> {
    let { marker = '' } = wanted;
    for (let left = limit; left > 0; ) {
      const request = { ...wanted, limit: Math.min(left, PAGE_IMAGES), marker };
      const { images, nextMarker } = await this.#ask(Images.List, request);
      yield* images.slice(0, left);
      left -= images.length;
      // A page may be empty and not the last: deleted images are left out of it.
      if (nextMarker === '' || nextMarker === marker) return;
      marker = nextMarker;
    }
  }

  async listLocations(imageId: string): Promise<Location[]> {
    return (await this.#ask(Images.ListLocations, { imageId })).locations;
  }

  copyImage(request: CopyImageRequest): Promise<CopyImageReply> {
    return this.#ask(Images.Copy, request);
  }

  deleteCopy(imageId: string, storeId: string): Promise<Job> {
    return this.#ask(Images.DeleteCopy, { imageId, storeId });
  }

  deleteImage(imageId: string): Promise<Job> {
    return this.#ask(Images.Delete, { imageId });
  }

  /** Frames to a job that waits for the bytes of a file; UploadCall knows in which order. */
  upload(jobId: string, signal: AbortSignal): DuplexCall<Frame, UploadReply> {
    const metadata = { ...this.#metadata(), [JOB_ID_KEY]: jobId };
    return callDuplex(this.#bulkChannel(), Images.Upload, { signal, metadata });
  }

  download(start: DownloadStart, signal: AbortSignal): AsyncIterable<Frame> {
    return callServerStream(this.#bulkChannel(), Images.Download, start, {
      signal,
      metadata: this.#metadata(),
    });
  }

  async listJobs(request: ListJobsRequest): Promise<Job[]> {
    return (await this.#ask(Jobs.List, request)).jobs;
  }

  getJob(jobId: string): Promise<Job> {
    return this.#ask(Jobs.Get, { jobId });
  }

  cancelJob(jobId: string): Promise<Job> {
    return this.#ask(Jobs.Cancel, { jobId });
  }

  /** `rate`: a timetable; `off` for none. */
  setJobRate(jobId: string, rate: string): Promise<Job> {
    return this.#ask(Jobs.SetRate, { jobId, rate });
  }

  pauseJob(jobId: string): Promise<Job> {
    return this.#ask(Jobs.Pause, { jobId });
  }

  resumeJob(jobId: string): Promise<Job> {
    return this.#ask(Jobs.Resume, { jobId });
  }

  /** The job now, then again whenever it changed; ends after the job did, or throws when the hub goes away. */
  watchJob(jobId: string, signal: AbortSignal): AsyncIterable<Job> {
    return callServerStream(this.#control, Jobs.Watch, { jobId }, { signal, metadata: this.#metadata() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bulk?.[Symbol.asyncDispose]();
    await this.#control[Symbol.asyncDispose]();
  }

  #bulkChannel(): Channel {
    this.#bulk ??= bulkChannel(this.#channel());
    return this.#bulk;
  }

  #channel(): ChannelSettings {
    const { address, credentials } = this.#settings;
    return { address, peer: 'the hub', credentials: shownTo(credentials), expect: HUB };
  }

  async #ask<Request, Reply>(method: UnaryMethod<Request, Reply>, request: Request): Promise<Reply> {
    const { timeoutMs } = this.#settings;
    try {
      return await callUnary(this.#control, method, request, { timeoutMs, metadata: this.#metadata() });
    } catch (error) {
      throw withAdvice(Refusal.from(error));
    }
  }

  #metadata() {
    return { [REQUEST_ID_KEY]: this.#settings.requestId };
  }
}

/** Nearly everybody who meets it has not started the hub, or started it elsewhere. */
function withAdvice(refusal: Refusal): Refusal {
  if (refusal.code !== 'UNAVAILABLE' || !refusal.message.startsWith('cannot reach')) return refusal;
  return new Refusal('UNAVAILABLE', refusal.message, {
    hint: 'is it running (`entrepot hub --config FILE`), and is this its address (--hub, ENTREPOT_HUB)?',
    cause: refusal,
  });
}
