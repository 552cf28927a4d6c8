import type { Catalogue } from '../catalogue/catalogue.ts';
import { parseUuid } from '../domain/ids.ts';
import { isVisible } from '../domain/image.ts';
import type { Job } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import { locationsOf, requireVisible } from '../domain/rules/index.ts';
import type { Image as WireImage } from '../rpc/generated/entrepot/v1/Image.ts';
import type { Job as WireJob } from '../rpc/generated/entrepot/v1/Job.ts';
import type { CallContext, Handlers } from '../rpc/handlers.ts';
import type { ImagesService } from '../rpc/proto.ts';
import type { Downloads } from './downloads.ts';
import { parseDraft } from './image-draft.ts';
import type { ProgressBoard } from './progress-board.ts';
import type { Requests } from './requests.ts';
import type { Uploads } from './uploads.ts';
import { imageView, jobView } from './views.ts';

const PAGE_DEFAULT = 100;
const PAGE_LIMIT = 1000;

/** Metadata of an Upload call that names its import. */
const JOB_ID_KEY = 'entrepot-job-id';

export interface ImagesParts {
  readonly catalogue: Catalogue;
  readonly requests: Requests;
  readonly uploads: Uploads;
  readonly downloads: Downloads;
  readonly board: ProgressBoard;
}

/** proto/entrepot/v1/images.proto: wire messages in, domain values on, wire messages out. */
export function imagesService(parts: ImagesParts): Handlers<ImagesService> {
  const { catalogue, requests, uploads, downloads, board } = parts;
  const shown = (id: string): WireImage => {
    const view = catalogue.view(id);
    requireVisible(view.image);
    return imageView(view, tasksOf(catalogue, view.jobs), board);
  };
  const shownJob = (job: Job): WireJob => {
    const unended = catalogue.jobs.unendedOfImage(job.imageId);
    return jobView(job, catalogue.tasks.ofJob(job.id), unended, board);
  };
  return {
    Create: async (request, context) => {
      const draft = parseDraft(request, context.actor.name);
      return shown(requests.create(request.id, draft, context).id);
    },

    BeginUpload: async (request, context) => {
      const { storeId, sizeBytes, storeIds, allStores, allStoresMustSucceed } = request;
      const wanted = {
        entryStoreId: storeId,
        sizeBytes,
        storeIds,
        allStores,
        allMustSucceed: allStoresMustSucceed,
      };
      return shownJob(requests.beginImport(request.imageId, wanted, context));
    },

    Upload: async (frames, context) => {
      const jobId = parseUuid(requiredMetadata(context, JOB_ID_KEY), 'job id');
      return { receivedBytes: await uploads.offer(jobId, frames, context.signal) };
    },

    Download: async (request, write, context) =>
      downloads.send(parseUuid(request.imageId), write, context.signal),

    List: async (request) => {
      const limit = pageLimit(request.limit);
      const marker = request.marker === '' ? undefined : parseUuid(request.marker, 'marker');
      const page = catalogue.images.page({ limit: limit + 1, marker, name: request.name || undefined });
      const images = page.slice(0, limit);
      return {
        images: images.filter(isVisible).map((image) => shown(image.id)),
        nextMarker: page.length > limit ? (images.at(-1)?.id ?? '') : '',
      };
    },

    Get: async (request) => shown(parseUuid(request.imageId)),

    ListLocations: async (request) => {
      const view = catalogue.view(parseUuid(request.imageId));
      requireVisible(view.image);
      return { locations: locationsOf(view) };
    },

    Copy: async (request, context) => {
      const { storeIds, allStores, allStoresMustSucceed } = request;
      const wanted = { storeIds, allStores, allMustSucceed: allStoresMustSucceed };
      const { job, joined } = requests.copy(request.imageId, wanted, context);
      return job === undefined ? { joined } : { job: shownJob(job), joined };
    },

    DeleteCopy: async (request, context) =>
      shownJob(await requests.deleteCopy(request.imageId, request.storeId, context)),

    Delete: async (request, context) => shownJob(await requests.deleteImage(request.imageId, context)),
  };
}

export function tasksOf(catalogue: Catalogue, jobs: readonly Job[]) {
  return jobs.filter((job) => job.state === 'running').flatMap((job) => catalogue.tasks.ofJob(job.id));
}

export function pageLimit(asked: number): number {
  if (asked === 0) return PAGE_DEFAULT;
  if (asked > PAGE_LIMIT) throw new Refusal('INVALID', `limit ${asked} is above ${PAGE_LIMIT}`);
  return asked;
}

function requiredMetadata(context: CallContext, key: string): string {
  const value = context.metadata.get(key);
  if (value === undefined) throw new Refusal('INVALID', `metadata ${key} is missing`);
  return value;
}
