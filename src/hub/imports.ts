import type { Catalogue } from '../catalogue/catalogue.ts';
import type { ImportsConfig } from '../config/hub-config.ts';
import type { Image } from '../domain/image.ts';
import type { ExpectedDigests, ImportSource, ImportSpec, Job } from '../domain/job.ts';
import type { Lane } from '../domain/lane.ts';
import { Refusal } from '../domain/refusal.ts';
import {
  type CopyRequest,
  centralOf,
  type ImageView,
  namedStores,
  requireAllowedFormats,
  requireOwner,
  requireReadable,
  usableStores,
} from '../domain/rules/index.ts';
import { parseUrl, safeUrl } from '../fetch/url.ts';
import type { Asker, Requests } from './requests.ts';

/** Where an image's chunks would no longer be counted exactly; RBD ends at 2^63, people at far less. */
const SIZE_LIMIT_BYTES = 2 ** 50;

/** Longer ones are no addresses of images. */
const URI_LENGTH = 2_000;

export interface ImportsParts {
  readonly catalogue: Catalogue;
  readonly requests: Requests;
  /** What may come in, and what is set on it. */
  readonly rules: ImportsConfig;
}

/** Which stores an import fills, and how urgently. */
export interface ImportTarget extends CopyRequest {
  readonly lane: Lane;
}

export interface UploadRequest extends ImportTarget {
  /** Empty: central. */
  readonly entryStoreId: string;
  readonly sizeBytes: number;
}

export interface StageRequest {
  /** Empty: central. */
  readonly storeId: string;
  readonly sizeBytes: number;
  readonly lane: Lane;
}

export interface ImportRequest extends ImportTarget {
  readonly source: RequestedSource;
  readonly expected: ExpectedDigests;
}

export type RequestedSource =
  | { readonly method: 'glance-direct' }
  | { readonly method: 'web-download'; readonly uri: string }
  | {
      readonly method: 'adopt';
      /** Empty: central. */
      readonly storeId: string;
      readonly pool: string;
      readonly image: string;
      readonly move: boolean;
    };

/** The ways into the cloud, held against the rules: each becomes a job of the image. */
export class Imports {
  readonly #parts: ImportsParts;

  constructor(parts: ImportsParts) {
    this.#parts = parts;
  }

  /** Queues an import that waits for the raw bytes of an upload. */
  upload(imageId: string, request: UploadRequest, asker: Asker): Job {
    const { entryStoreId, sizeBytes } = request;
    requireSize(sizeBytes);
    return this.#submit(imageId, request, asker, (view) => {
      requireEmpty(view);
      return { source: { method: 'upload' }, entryStoreId: this.#entry(entryStoreId, view), sizeBytes };
    });
  }

  /** Queues a job that puts the bytes of an upload, a file of any format, beside a store. */
  stage(imageId: string, { storeId, sizeBytes, lane }: StageRequest, asker: Asker): Job {
    requireSize(sizeBytes);
    return this.#parts.requests.submit(imageId, { ...asker, lane }, (id) => {
      const view = this.#viewOf(id, asker);
      requireEmpty(view);
      return { spec: { kind: 'stage', storeId: this.#entry(storeId, view), sizeBytes } };
    });
  }

  /** Queues an import of what was staged, is at a URI, or lies in a pool already. */
  begin(imageId: string, request: ImportRequest, asker: Asker): Job {
    const { source, expected } = request;
    const sourceUri = source.method === 'web-download' ? source.uri : undefined;
    const shown = shownSource(source);
    return this.#submit(
      imageId,
      request,
      asker,
      (view) => {
        if (source.method === 'glance-direct') {
          const { storeId, sizeBytes } = requireStaged(view);
          return { source: shown, entryStoreId: storeId, sizeBytes, expected };
        }
        requireEmpty(view);
        const entryStoreId = this.#entry(source.method === 'adopt' ? source.storeId : '', view);
        return { source: shown, entryStoreId, sizeBytes: 0, expected };
      },
      sourceUri,
    );
  }

  #submit(
    imageId: string,
    target: ImportTarget,
    asker: Asker,
    decide: (view: ImageView) => Pick<ImportSpec, 'source' | 'entryStoreId' | 'sizeBytes' | 'expected'>,
    sourceUri?: string,
  ): Job {
    const { requests } = this.#parts;
    return requests.submit(imageId, { ...asker, lane: target.lane }, (id) => {
      const view = this.#viewOf(id, asker);
      const storeIds = target.allStores
        ? usableStores(view.stores)
        : target.storeIds.length === 0
          ? []
          : namedStores(target.storeIds, view.stores);
      const injectedProperties = this.#injectedFor(asker);
      const { diskFormat, containerFormat } = view.image;
      return {
        sourceUri,
        spec: {
          kind: 'import',
          ...decide(view),
          storeIds,
          allMustSucceed: target.allMustSucceed,
          ...(injectedProperties && { injectedProperties }),
          before: { diskFormat, containerFormat },
        },
      };
    });
  }

  #viewOf(imageId: string, { actor }: Asker): ImageView {
    const view = this.#parts.catalogue.view(imageId);
    requireReadable(actor, view.image);
    requireOwner(actor, view.image, 'copy');
    requireAllowedFormats(view.image, this.#parts.rules);
    return view;
  }

  #entry(storeId: string, { stores }: ImageView): string {
    const entryStoreId = storeId || centralOf(stores).id;
    namedStores([entryStoreId], stores);
    return entryStoreId;
  }

  #injectedFor({ actor }: Asker): Readonly<Record<string, string>> | undefined {
    const { properties, ignoredRoles } = this.#parts.rules.injection;
    if (ignoredRoles.includes(actor.role) || Object.keys(properties).length === 0) return undefined;
    return properties;
  }
}

function requireSize(sizeBytes: number): void {
  if (Number.isSafeInteger(sizeBytes) && sizeBytes >= 1 && sizeBytes <= SIZE_LIMIT_BYTES) return;
  throw new Refusal('INVALID', `an image of ${sizeBytes} bytes cannot be taken in`, {
    hint: `from 1 byte to ${SIZE_LIMIT_BYTES} bytes`,
  });
}

/** An image is filled once. */
function requireEmpty({ image, jobs }: ImageView): void {
  if (image.status === 'queued' && jobs.length === 0) return;
  const isStaged = image.staged !== undefined && jobs.length === 0;
  throw new Refusal('CONFLICT', conflictOf(image, isStaged), {
    hint: isStaged
      ? `\`entrepot image import ${image.id} --method glance-direct\` takes it in; or make another image`
      : 'an image is filled once; make another one',
  });
}

function conflictOf({ id, status }: Image, isStaged: boolean): string {
  if (isStaged) return `image ${id} has a file that is staged, and waits to be imported`;
  return `image ${id} is ${status}: it has its data, or is getting it`;
}

function requireStaged({ image, jobs }: ImageView): { readonly storeId: string; readonly sizeBytes: number } {
  const { id, staged, status } = image;
  if (staged !== undefined && status === 'uploading' && jobs.length === 0) return staged;
  const [job] = jobs;
  if (job !== undefined) {
    throw new Refusal('CONFLICT', `job ${job.id} (${job.spec.kind}) is at work on image ${id}`, {
      hint: `\`entrepot job watch ${job.id}\` shows it`,
    });
  }
  throw new Refusal('CONFLICT', `image ${id} has no file that is staged`, {
    hint: `\`entrepot image stage ${id} --file PATH\` first`,
  });
}

/** What everybody may be shown of it. INVALID when the URI is none. */
function shownSource(source: RequestedSource): ImportSource {
  switch (source.method) {
    case 'glance-direct':
      return { method: 'glance-direct' };
    case 'web-download': {
      if (source.uri.length > URI_LENGTH) {
        throw new Refusal('INVALID', `the URI is longer than ${URI_LENGTH} characters`);
      }
      return { method: 'web-download', uri: safeUrl(parseUrl(source.uri)) };
    }
    case 'adopt': {
      const { pool, image, move } = source;
      return { method: 'adopt', pool, image, move };
    }
  }
}
