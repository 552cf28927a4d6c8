import { type Command, Option } from 'commander';
import { parseUuid } from '../domain/ids.ts';
import { CONTAINER_FORMATS, DISK_FORMATS, type DiskFormat, VISIBILITIES } from '../domain/image.ts';
import type { CreateImageRequest } from '../rpc/generated/entrepot/v1/CreateImageRequest.ts';
import { parseProperty, parseTags, wholeNumber } from './options.ts';

/** What people say of a new image, as each command that makes one takes it. */
export interface DraftOptions {
  readonly name: string;
  readonly id?: string;
  readonly property?: Readonly<Record<string, string>>;
  readonly tag?: readonly string[];
  readonly visibility?: string;
  readonly protected?: true;
  readonly hidden?: true;
  readonly minDisk: number;
  readonly minRam: number;
  readonly diskFormat?: string;
  readonly containerFormat: string;
  readonly owner?: string;
}

/** All but the name, which not every command asks for. */
export function addDraftOptions(command: Command): Command {
  return command
    .option('--id <uuid>', 'its UUID; a new one when left out', (text) => parseUuid(text))
    .option('--property <key=value...>', 'a property of the image; may be repeated', parseProperty)
    .option('--tag <tag...>', 'a tag; may be repeated', parseTags)
    .addOption(
      new Option('--visibility <who>', 'who may see it; private when left out').choices(VISIBILITIES),
    )
    .option('--protected', 'refuse to delete it')
    .option('--hidden', 'leave it out of default lists')
    .option('--min-disk <gib>', 'smallest disk to boot it from, in GiB', wholeNumber('min disk', 0), 0)
    .option('--min-ram <mib>', 'smallest memory to boot it with, in MiB', wholeNumber('min ram', 0), 0)
    .addOption(
      new Option(
        '--disk-format <format>',
        'what the file is; a file that is something else is refused',
      ).choices(DISK_FORMATS),
    )
    .addOption(
      new Option('--container-format <format>', 'what is around the disk')
        .choices(CONTAINER_FORMATS)
        .default('bare'),
    )
    .option('--owner <name>', 'to whom it belongs; yourself when left out; for admins');
}

/** In the words of the hub. `found`: the format when nobody says which. */
export function draftOf(options: DraftOptions, found: DiskFormat): CreateImageRequest {
  return {
    id: options.id ?? '',
    name: options.name,
    diskFormat: options.diskFormat ?? found,
    containerFormat: options.containerFormat,
    owner: options.owner ?? '',
    visibility: options.visibility ?? '',
    protected: options.protected === true,
    osHidden: options.hidden === true,
    minDiskGib: options.minDisk,
    minRamMib: options.minRam,
    tags: [...(options.tag ?? [])],
    properties: { ...options.property },
  };
}
