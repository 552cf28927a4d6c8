import type { Catalogue } from '../catalogue/catalogue.ts';
import { parseStoreId, parseUuid } from '../domain/ids.ts';
import type { ExpectedDigests, Job } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import { actorOf, centralOf, namedStores } from '../domain/rules/index.ts';
import type { Rights } from '../rpc/caller.ts';
import type { ImportRequest__Output } from '../rpc/generated/entrepot/v1/ImportRequest.ts';
import type { Job as WireJob } from '../rpc/generated/entrepot/v1/Job.ts';
import type { Handlers } from '../rpc/handlers.ts';
import type { ImagesService } from '../rpc/proto.ts';
import { askerOf } from './asker.ts';
import type { Attachments } from './attachments.ts';
import type { Imports, RequestedSource } from './imports.ts';
import { parseLane } from './parse-lane.ts';

/** The part of the Images service that brings data in. */
type Methods = 'BeginUpload' | 'Stage' | 'Import' | 'ExamineAdopt' | 'ListAdoptable';

export const IMPORTS_RIGHTS: Pick<Rights<ImagesService>, Methods> = {
  BeginUpload: 'change',
  Stage: 'change',
  Import: 'change',
  // What lies in a pool is nobody's yet: only an admin looks into it, and brings it in.
  ExamineAdopt: 'administer',
  ListAdoptable: 'administer',
};

/** Hexadecimal digits of each digest that an import may be given. */
const DIGEST_LENGTHS = { md5: 32, sha256: 64, sha512: 128 } as const;

export interface ImportsServiceParts {
  readonly catalogue: Catalogue;
  readonly imports: Imports;
  readonly attachments: Pick<Attachments, 'ask'>;
  readonly shownJob: (job: Job) => WireJob;
}

/** proto/entrepot/v1/images.proto: wire messages in, domain values on, wire messages out. */
export function importsService(parts: ImportsServiceParts): Pick<Handlers<ImagesService>, Methods> {
  const { catalogue, imports, attachments, shownJob } = parts;
  const storeOr = (storeId: string): string => {
    if (storeId === '') return centralOf(catalogue.stores.all()).id;
    namedStores([storeId], catalogue.stores.all());
    return storeId;
  };
  return {
    BeginUpload: async (request, context) => {
      const { storeId: entryStoreId, sizeBytes, storeIds, allStores } = request;
      const allMustSucceed = request.allStoresMustSucceed;
      const lane = parseLane(request.lane);
      const wanted = { entryStoreId, sizeBytes, storeIds, allStores, allMustSucceed, lane };
      return shownJob(imports.upload(request.imageId, wanted, askerOf(context)));
    },

    Stage: async (request, context) => {
      const { imageId, storeId, sizeBytes } = request;
      const lane = parseLane(request.lane);
      return shownJob(imports.stage(imageId, { storeId, sizeBytes, lane }, askerOf(context)));
    },

    Import: async (request, context) => {
      const { storeIds, allStores } = request;
      const source = sourceOf(request);
      const asker = askerOf(context);
      if (source.method === 'adopt' && asker.actor.role !== 'admin') {
        throw new Refusal('FORBIDDEN', 'only an admin may adopt what lies in a pool', { rule: 'R11' });
      }
      const wanted = {
        source,
        expected: parseDigests(request.expectedDigests),
        storeIds,
        allStores,
        allMustSucceed: request.allStoresMustSucceed,
        lane: parseLane(request.lane),
      };
      return shownJob(imports.begin(request.imageId, wanted, asker));
    },

    ExamineAdopt: async ({ adopt, imageId }) => {
      if (!adopt) throw new Refusal('INVALID', 'the request names no image to adopt');
      if (imageId !== '') parseUuid(imageId);
      const { pool, image, move } = adopt;
      const storeId = storeOr(adopt.storeId);
      const examine = { pool, image, move };
      const { examined } = await attachments.ask(
        storeId,
        { imageId, examine },
        `what lies at ${pool}/${image}`,
      );
      if (!examined)
        throw new Refusal('UNSUPPORTED', `the agent of store ${storeId} cannot adopt`, {
          hint: 'it is older than the hub: update it',
        });
      return { sizeBytes: examined.sizeBytes, steps: examined.steps };
    },

    ListAdoptable: async ({ storeId, marker }, { caller }) => {
      actorOf(caller);
      const id = storeOr(storeId === '' ? '' : parseStoreId(storeId));
      const wholeAfter = marker === '' ? '' : parseUuid(marker, 'marker');
      const { images } = await attachments.ask(id, { wholeAfter }, 'which images it holds');
      const imageIds = images.map(({ imageId }) => parseUuid(imageId));
      return {
        imageIds: imageIds.filter((imageId) => catalogue.images.find(imageId) === undefined),
        nextMarker: imageIds.at(-1) ?? '',
      };
    },
  };
}

function sourceOf({ glanceDirect, webDownload, adopt }: ImportRequest__Output): RequestedSource {
  if (glanceDirect) return { method: 'glance-direct' };
  if (webDownload) return { method: 'web-download', uri: webDownload.uri };
  if (adopt) {
    const { storeId, pool, image, move } = adopt;
    return { method: 'adopt', storeId, pool, image, move };
  }
  throw new Refusal('INVALID', 'the request does not say where the image comes from', {
    hint: 'glance_direct, web_download or adopt',
  });
}

function parseDigests(given: Readonly<Record<string, string>>): ExpectedDigests {
  const known = Object.entries(given).map(([name, text]) => {
    const length =
      name === 'md5' || name === 'sha256' || name === 'sha512' ? DIGEST_LENGTHS[name] : undefined;
    if (length === undefined) {
      throw new Refusal('INVALID', `digest '${name.slice(0, 32)}' is not known`, {
        hint: `one of ${Object.keys(DIGEST_LENGTHS).join(', ')}`,
      });
    }
    const value = text.toLowerCase();
    if (value.length !== length || !/^[0-9a-f]+$/.test(value)) {
      throw new Refusal('INVALID', `the ${name} that was given is not one`, {
        hint: `${length} hexadecimal digits`,
      });
    }
    return [name, value] as const;
  });
  return Object.fromEntries(known);
}
