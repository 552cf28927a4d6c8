import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadSync, type Options, type ServiceDefinition } from '@grpc/proto-loader';
import { frameCodec, type PushMessageWire, pushMessageCodec } from '../transfer/frame-codec.ts';
import type { Frame } from '../transfer/frames.ts';
import type { AgentsDefinition, AgentsHandlers } from './generated/entrepot/v1/Agents.ts';
import type { DownloadRequest, DownloadRequest__Output } from './generated/entrepot/v1/DownloadRequest.ts';
import type { EnrolmentDefinition, EnrolmentHandlers } from './generated/entrepot/v1/Enrolment.ts';
import type { EventsDefinition, EventsHandlers } from './generated/entrepot/v1/Events.ts';
import type { ImagesDefinition, ImagesHandlers } from './generated/entrepot/v1/Images.ts';
import type { JobsDefinition, JobsHandlers } from './generated/entrepot/v1/Jobs.ts';
import type { OperatorsDefinition, OperatorsHandlers } from './generated/entrepot/v1/Operators.ts';
import type { PullRequest, PullRequest__Output } from './generated/entrepot/v1/PullRequest.ts';
import type {
  PullUploadRequest,
  PullUploadRequest__Output,
} from './generated/entrepot/v1/PullUploadRequest.ts';
import type { RenewTicketReply, RenewTicketReply__Output } from './generated/entrepot/v1/RenewTicketReply.ts';
import type {
  RenewTicketRequest,
  RenewTicketRequest__Output,
} from './generated/entrepot/v1/RenewTicketRequest.ts';
import type { StoresDefinition, StoresHandlers } from './generated/entrepot/v1/Stores.ts';
import type { UploadReply, UploadReply__Output } from './generated/entrepot/v1/UploadReply.ts';
import { type AnyMethod, kindOf, type Method, type MethodsOf, type ServiceMethods } from './methods.ts';

/** `proto/` lies beside both `src/` and `dist/`. */
const PROTO_FOLDER = fileURLToPath(new URL('../../proto', import.meta.url));
const PACKAGE = 'entrepot.v1';

/** Must match the options in scripts/gen.ts, which makes the types of the same files. */
const OPTIONS: Options = {
  keepCase: false,
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
  includeDirs: [PROTO_FOLDER],
};

/** Everything in proto/, as reflection shows it. Its codecs are proto-loader's. */
export const packageDefinition = loadSync(
  readdirSync(`${PROTO_FOLDER}/entrepot/v1`)
    .filter((name) => name.endsWith('.proto'))
    .map((name) => `entrepot/v1/${name}`),
  OPTIONS,
);

export interface ImagesService
  extends Omit<MethodsOf<ImagesDefinition, ImagesHandlers>, 'Upload' | 'Download'> {
  readonly Upload: Method<'bidi_stream', Frame, Frame, UploadReply, UploadReply__Output>;
  readonly Download: Method<'server_stream', DownloadRequest, DownloadRequest__Output, Frame, Frame>;
}
export type JobsService = MethodsOf<JobsDefinition, JobsHandlers>;
export type StoresService = MethodsOf<StoresDefinition, StoresHandlers>;
export type OperatorsService = MethodsOf<OperatorsDefinition, OperatorsHandlers>;
export type EnrolmentService = MethodsOf<EnrolmentDefinition, EnrolmentHandlers>;
export type EventsService = MethodsOf<EventsDefinition, EventsHandlers>;
export interface AgentsService extends Omit<MethodsOf<AgentsDefinition, AgentsHandlers>, 'PullUpload'> {
  readonly PullUpload: Method<'server_stream', PullUploadRequest, PullUploadRequest__Output, Frame, Frame>;
}
export interface TransferService {
  readonly Pull: Method<'server_stream', PullRequest, PullRequest__Output, Frame, Frame>;
  readonly Push: Method<'bidi_stream', PushMessageWire, PushMessageWire, PullRequest, PullRequest__Output>;
  readonly Renew: Method<
    'unary',
    RenewTicketRequest,
    RenewTicketRequest__Output,
    RenewTicketReply,
    RenewTicketReply__Output
  >;
}

const frame = {
  serialize: (message: Frame) => frameCodec.serialize(message),
  deserialize: (bytes: Buffer) => frameCodec.deserialize(bytes),
};
const framesUp = { requestSerialize: frame.serialize, requestDeserialize: frame.deserialize };
const framesDown = { responseSerialize: frame.serialize, responseDeserialize: frame.deserialize };
const pushUp = {
  requestSerialize: (message: PushMessageWire) => pushMessageCodec.serialize(message),
  requestDeserialize: (bytes: Buffer) => pushMessageCodec.deserialize(bytes),
};

/** The services of the wire contract. `Images.Get` is a method, to be called or served. */
export const Images = service('Images', {
  Upload: framesUp,
  Download: framesDown,
}) as unknown as ImagesService;
export const Jobs = service('Jobs') as unknown as JobsService;
export const Stores = service('Stores') as unknown as StoresService;
export const Operators = service('Operators') as unknown as OperatorsService;
export const Enrolment = service('Enrolment') as unknown as EnrolmentService;
export const Events = service('Events') as unknown as EventsService;
export const Agents = service('Agents', { PullUpload: framesDown }) as unknown as AgentsService;
export const Transfer = service('Transfer', { Pull: framesDown, Push: pushUp }) as unknown as TransferService;

/** The loaded service with codecs of our own in place of proto-loader's for some methods. */
function service(name: string, codecs: Readonly<Record<string, Partial<AnyMethod>>> = {}): ServiceMethods {
  const fullName = `${PACKAGE}.${name}`;
  const definition = packageDefinition[fullName] as ServiceDefinition;
  return Object.fromEntries(
    Object.entries(definition).map(([method, loaded]) => [
      method,
      {
        kind: kindOf(loaded),
        path: loaded.path,
        service: fullName,
        name: method,
        requestStream: loaded.requestStream,
        responseStream: loaded.responseStream,
        requestSerialize: loaded.requestSerialize,
        requestDeserialize: loaded.requestDeserialize,
        responseSerialize: loaded.responseSerialize,
        responseDeserialize: loaded.responseDeserialize,
        ...codecs[method],
      },
    ]),
  );
}
