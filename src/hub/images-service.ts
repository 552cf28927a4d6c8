import type { Catalogue } from '../catalogue/catalogue.ts';
import { parseUuid } from '../domain/ids.ts';
import type { Image } from '../domain/image.ts';
import type { Job } from '../domain/job.ts';
import { requireKnownValues } from '../domain/properties/check.ts';
import { Refusal } from '../domain/refusal.ts';
import {
  type Actor,
  type AllowedFormats,
  actorOf,
  locationsOf,
  requireAllowedFormats,
  requireDownloadable,
  requireDraftAllowed,
  requireJobReadable,
  requireOwner,
  requireReadable,
} from '../domain/rules/index.ts';
import type { Rights } from '../rpc/caller.ts';
import type { Image as WireImage } from '../rpc/generated/entrepot/v1/Image.ts';
import type { Job as WireJob } from '../rpc/generated/entrepot/v1/Job.ts';
import type { CallContext, Handlers } from '../rpc/handlers.ts';
import type { ImagesService } from '../rpc/proto.ts';
import type { BytesBefore } from '../transfer/ingest-checkpoint.ts';
import { askerOf } from './asker.ts';
import type { Attachments } from './attachments.ts';
import type { Downloads } from './downloads.ts';
import { parseDraft } from './image-draft.ts';
import { imagePage } from './image-page.ts';
import { parseQuery } from './image-query.ts';
import { recordMethods, requireOperator } from './image-records.ts';
import type { Imports } from './imports.ts';
import { IMPORTS_RIGHTS, importsService } from './imports-service.ts';
import { pageLimit } from './page-limit.ts';
import { parseLane } from './parse-lane.ts';
import type { ProgressBoard } from './progress-board.ts';
import type { Requests } from './requests.ts';
import type { Uploads } from './uploads.ts';
import { imageView, jobView } from './views.ts';

export const IMAGES_RIGHTS: Rights<ImagesService> = {
  ...IMPORTS_RIGHTS,
  Create: 'change',
  Upload: 'change',
  Download: 'read',
  List: 'read',
  Get: 'read',
  ListLocations: 'read',
  Copy: 'change',
  DeleteCopy: 'change',
  Delete: 'change',
  Update: 'change',
  // A safety measure: an owner who could lift it would make it none.
  Deactivate: 'administer',
  Reactivate: 'administer',
  AddMember: 'change',
  ListMembers: 'read',
  SetMember: 'change',
  RemoveMember: 'change',
};

/** Metadata of an Upload call that names its import. */
const JOB_ID_KEY = 'entrepot-job-id';

export interface ImagesParts {
  readonly catalogue: Catalogue;
  readonly requests: Requests;
  readonly imports: Imports;
  readonly attachments: Attachments;
  readonly uploads: Uploads;
  readonly downloads: Downloads;
  readonly board: ProgressBoard;
  /** Refuses values of known properties that nobody understands, in place of a warning. */
  readonly strictProperties: boolean;
  /** What the cloud lets in. */
  readonly formats: AllowedFormats;
}

/** proto/entrepot/v1/images.proto: wire messages in, domain values on, wire messages out. */
export function imagesService(parts: ImagesParts): Handlers<ImagesService> {
  const { catalogue, requests, imports, attachments, uploads, downloads, board } = parts;
  const { strictProperties, formats } = parts;
  const shown = (image: Image, actor: Actor): WireImage => {
    requireReadable(actor, image);
    const view = catalogue.viewOf(image);
    return imageView(view, unendedTasksOf(catalogue, view.jobs), board);
  };
  const shownJob = (job: Job): WireJob => jobView(job, catalogue, board);
  return {
    ...recordMethods({ catalogue, strictProperties, shown }),
    ...importsService({ catalogue, imports, attachments, shownJob }),

    Create: async (request, context) => {
      const asker = askerOf(context);
      const draft = parseDraft(request, asker.actor.name);
      requireDraftAllowed(asker.actor, draft);
      requireAllowedFormats(draft, formats);
      if (strictProperties) requireKnownValues(draft.properties);
      if (draft.owner !== asker.actor.name) requireOperator(catalogue, draft.owner);
      return shown(requests.create(request.id, draft, asker), asker.actor);
    },

    Upload: async (frames, write, context) => {
      const jobId = parseUuid(requiredMetadata(context, JOB_ID_KEY), 'job id');
      const actor = actorOf(context.caller);
      const job = catalogue.jobs.get(jobId);
      const image = catalogue.images.get(job.imageId);
      requireJobReadable(actor, job, image);
      requireOwner(actor, image, 'copy');
      context.widen(1);
      const begin = ({ lengthBytes, sha512 }: BytesBefore) =>
        write({ before: { sizeBytes: lengthBytes, sha512 } });
      const receivedBytes = await uploads.offer(jobId, { begin, frames }, context.signal);
      await write({ receivedBytes });
    },

    Download: async (request, write, context) => {
      const imageId = parseUuid(request.imageId);
      const actor = actorOf(context.caller);
      requireDownloadable(actor, catalogue.images.get(imageId));
      const { storeId, fromByte } = request;
      await downloads.send({ imageId, operator: actor.name, storeId, fromByte }, write, context.signal);
    },

    List: async (request, { caller }) => {
      const actor = actorOf(caller);
      const limit = pageLimit(request.limit);
      const page = catalogue.images.page({
        limit: limit + 1,
        marker: request.marker === '' ? undefined : parseUuid(request.marker, 'marker'),
        readableBy: actor,
        ...parseQuery(request),
      });
      return imagePage(page, limit, (image) => shown(image, actor));
    },

    Get: async (request, { caller }) =>
      shown(catalogue.images.get(parseUuid(request.imageId)), actorOf(caller)),

    ListLocations: async (request, { caller }) => {
      const view = catalogue.view(parseUuid(request.imageId));
      requireReadable(actorOf(caller), view.image);
      return { locations: locationsOf(view) };
    },

    Copy: async (request, context) => {
      const { storeIds, allStores, allStoresMustSucceed } = request;
      const wanted = { storeIds, allStores, allMustSucceed: allStoresMustSucceed };
      const { job, joined } = requests.copy(
        request.imageId,
        wanted,
        parseLane(request.lane),
        askerOf(context),
      );
      return job === undefined ? { joined } : { job: shownJob(job), joined };
    },

    DeleteCopy: async (request, context) =>
      shownJob(await requests.deleteCopy(request.imageId, request.storeId, askerOf(context))),

    Delete: async (request, context) =>
      shownJob(await requests.deleteImage(request.imageId, askerOf(context))),
  };
}

function unendedTasksOf(catalogue: Catalogue, jobs: readonly Job[]) {
  return jobs.filter((job) => job.state === 'running').flatMap((job) => catalogue.tasks.unendedOfJob(job.id));
}

function requiredMetadata(context: CallContext, key: string): string {
  const value = context.metadata.get(key);
  if (value === undefined) throw new Refusal('INVALID', `metadata ${key} is missing`);
  return value;
}
