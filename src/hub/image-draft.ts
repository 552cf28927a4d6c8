import type { ImageChanges, ImageDraft } from '../domain/image.ts';
import type { CreateImageRequest__Output } from '../rpc/generated/entrepot/v1/CreateImageRequest.ts';
import type { UpdateImageRequest__Output } from '../rpc/generated/entrepot/v1/UpdateImageRequest.ts';
import { parseOperatorName } from '../trust/identity.ts';
import {
  checkCounts,
  checkName,
  checkNumber,
  checkProperties,
  checkPropertyName,
  checkTags,
  parseContainerFormat,
  parseDiskFormat,
  parseVisibility,
} from './image-fields.ts';

/** The fields an owner gave, checked and with Glance's defaults. INVALID or FORBIDDEN naming the field. */
export function parseDraft(request: CreateImageRequest__Output, owner: string): ImageDraft {
  return checkCounts({
    name: checkName(request.name),
    visibility: parseVisibility(request.visibility || 'private'),
    owner: request.owner === '' ? owner : parseOperatorName(request.owner),
    protected: request.protected,
    osHidden: request.osHidden,
    diskFormat: parseDiskFormat(request.diskFormat || 'raw'),
    containerFormat: parseContainerFormat(request.containerFormat || 'bare'),
    minDiskGib: checkNumber('min_disk', request.minDiskGib),
    minRamMib: checkNumber('min_ram', request.minRamMib),
    tags: checkTags(request.tags),
    properties: checkProperties(request.properties),
  });
}

/** What is to be changed, checked as in a draft; whether it may be, the rules say. */
export function parseChanges(request: UpdateImageRequest__Output): ImageChanges {
  const { name, visibility, owner, diskFormat, containerFormat, minDiskGib, minRamMib } = request;
  return {
    ...(name !== undefined && { name: checkName(name) }),
    ...(visibility !== undefined && { visibility: parseVisibility(visibility) }),
    ...(owner !== undefined && { owner: parseOperatorName(owner) }),
    ...(request.protected !== undefined && { protected: request.protected }),
    ...(request.osHidden !== undefined && { osHidden: request.osHidden }),
    ...(diskFormat !== undefined && { diskFormat: parseDiskFormat(diskFormat) }),
    ...(containerFormat !== undefined && { containerFormat: parseContainerFormat(containerFormat) }),
    ...(minDiskGib !== undefined && { minDiskGib: checkNumber('min_disk', minDiskGib) }),
    ...(minRamMib !== undefined && { minRamMib: checkNumber('min_ram', minRamMib) }),
    properties: checkProperties(request.properties),
    removedProperties: [...new Set(request.removedProperties.map(checkPropertyName))],
    addedTags: checkTags(request.addedTags),
    removedTags: checkTags(request.removedTags),
  };
}
