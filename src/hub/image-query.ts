import { type ImageFilter, SORT_KEYS, type Sort } from '../catalogue/image-page.ts';
import { IMAGE_STATUSES } from '../domain/image.ts';
import { MEMBER_STATUSES } from '../domain/member.ts';
import { Refusal } from '../domain/refusal.ts';
import type { ListImagesRequest__Output } from '../rpc/generated/entrepot/v1/ListImagesRequest.ts';
import { oneOf, parseContainerFormat, parseDiskFormat, parseVisibility } from './image-fields.ts';

/** Each is looked for in all images that the others leave. */
const CONDITIONS_LIMIT = 32;
const SORT_KEYS_LIMIT = 8;

/** Which images a caller asked for, and in which order. INVALID naming what makes no sense. */
export function parseQuery(request: ListImagesRequest__Output): ImageFilter & { readonly sort?: Sort[] } {
  const { name, status, visibility, owner, diskFormat, containerFormat, memberStatus, storeId } = request;
  if (request.tags.length + Object.keys(request.properties).length > CONDITIONS_LIMIT) {
    throw new Refusal('INVALID', `more than ${CONDITIONS_LIMIT} tags and properties are asked for`);
  }
  return {
    osHidden: request.osHidden,
    tags: request.tags,
    properties: request.properties,
    ...(name !== '' && { name }),
    ...(status !== '' && { status: oneOf('status', status, IMAGE_STATUSES) }),
    ...(visibility !== '' && { visibility: parseVisibility(visibility) }),
    ...(owner !== '' && { owner }),
    ...(diskFormat !== '' && { diskFormat: parseDiskFormat(diskFormat) }),
    ...(containerFormat !== '' && { containerFormat: parseContainerFormat(containerFormat) }),
    ...(request.protected !== undefined && { protected: request.protected }),
    ...(memberStatus !== '' && {
      memberStatus: oneOf('member status', memberStatus, [...MEMBER_STATUSES, 'all'] as const),
    }),
    ...(request.sizeMinBytes !== undefined && { sizeMinBytes: request.sizeMinBytes }),
    ...(request.sizeMaxBytes !== undefined && { sizeMaxBytes: request.sizeMaxBytes }),
    ...(storeId !== '' && { storeId }),
    ...(request.sort.length > 0 && { sort: parseSort(request.sort) }),
  };
}

function parseSort(keys: readonly string[]): Sort[] {
  if (keys.length > SORT_KEYS_LIMIT) throw new Refusal('INVALID', `more than ${SORT_KEYS_LIMIT} sort keys`);
  return keys.map((text) => {
    const [key = '', direction = 'asc', ...rest] = text.split(':');
    if (rest.length > 0) throw new Refusal('INVALID', `sort key '${text.slice(0, 64)}' is not KEY:DIRECTION`);
    return {
      key: oneOf('sort key', key, SORT_KEYS),
      direction: oneOf('sort direction', direction, ['asc', 'desc']),
    };
  });
}
