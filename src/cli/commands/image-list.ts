import { type Command, Option } from 'commander';
import { parseStoreId, parseUuid } from '../../domain/ids.ts';
import { CONTAINER_FORMATS, DISK_FORMATS, IMAGE_STATUSES, VISIBILITIES } from '../../domain/image.ts';
import { MEMBER_STATUSES } from '../../domain/member.ts';
import type { ListImagesRequest } from '../../rpc/generated/entrepot/v1/ListImagesRequest.ts';
import { byteCount, example, parseProperty, parseTags, wholeNumber } from '../options.ts';
import { imageJson } from '../output/json.ts';
import { imagesTable } from '../output/views.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';
import type { Image } from '../wire.ts';

interface Options {
  readonly stores?: true;
  readonly limit?: number;
  readonly marker?: string;
  readonly name?: string;
  readonly status?: string;
  readonly visibility?: string;
  readonly owner?: string;
  readonly diskFormat?: string;
  readonly containerFormat?: string;
  readonly tag?: readonly string[];
  readonly hidden?: true;
  readonly protected?: true;
  readonly unprotected?: true;
  readonly memberStatus?: string;
  readonly property?: Readonly<Record<string, string>>;
  readonly sizeMin?: number;
  readonly sizeMax?: number;
  readonly store?: string;
  readonly sort?: readonly string[];
}

export function registerImageList(parent: Command, run: Run): void {
  parent
    .command('list')
    .description('all images, or those that are as all the options say, with how many stores hold a copy')
    .option('--stores', 'name the stores, and how far unfinished copies are')
    .option('--name <name>', 'only images of this name')
    .addOption(new Option('--status <status>', 'only those in this status').choices(IMAGE_STATUSES))
    .addOption(new Option('--visibility <who>', 'only those of this visibility').choices(VISIBILITIES))
    .option('--owner <name>', 'only those of this operator')
    .addOption(new Option('--disk-format <format>', 'only those of this format').choices(DISK_FORMATS))
    .addOption(
      new Option('--container-format <format>', 'only those of this format').choices(CONTAINER_FORMATS),
    )
    .option('--tag <tag...>', 'only those with this tag; with all of them when repeated', parseTags)
    .option('--property <key=value...>', 'only those with this property; may be repeated', parseProperty)
    .option('--hidden', 'only hidden ones, which are left out otherwise')
    .option('--protected', 'only those that are protected')
    .addOption(new Option('--unprotected', 'only those that are not').conflicts('protected'))
    .addOption(
      new Option('--member-status <status>', 'only those shared with you, and how that stands').choices([
        ...MEMBER_STATUSES,
        'all',
      ]),
    )
    .option('--size-min <bytes>', 'only those of this size or larger; also as 20M', byteCount('size'))
    .option('--size-max <bytes>', 'only those of this size or smaller; also as 20M', byteCount('size'))
    .option('--store <id>', 'only those with a whole copy at this store', parseStoreId)
    .option(
      '--sort <key[:asc|desc]...>',
      'in this order: name, status, size, created_at, updated_at, id, disk_format, container_format; created_at:desc when left out',
      parseTags,
    )
    .option('--marker <id>', 'only what comes after this image, in the same order', (text) => parseUuid(text))
    .option('--limit <count>', 'at most so many; all when left out', wholeNumber('limit', 1))
    .addHelpText(
      'after',
      example(
        'entrepot image list --stores',
        'entrepot image list --tag stable --property os_distro=debian --sort name',
        'entrepot image list --limit 20 -o json',
      ),
    )
    .action(
      run(async (session: Session, options: Options) => {
        const { stores, limit = Number.MAX_SAFE_INTEGER } = options;
        const hub = await session.hub();
        const images: Image[] = [];
        for await (const image of hub.listImages(limit, requestOf(options))) images.push(image);
        session.print({ text: imagesTable(images, stores === true), json: images.map(imageJson) });
      }),
    );
}

function requestOf(options: Options): ListImagesRequest {
  return {
    marker: options.marker ?? '',
    name: options.name ?? '',
    status: options.status ?? '',
    visibility: options.visibility ?? '',
    owner: options.owner ?? '',
    diskFormat: options.diskFormat ?? '',
    containerFormat: options.containerFormat ?? '',
    tags: [...(options.tag ?? [])],
    osHidden: options.hidden === true,
    memberStatus: options.memberStatus ?? '',
    properties: { ...options.property },
    storeId: options.store ?? '',
    sort: (options.sort ?? []).flatMap((keys) => keys.split(',')),
    ...(options.protected && { protected: true }),
    ...(options.unprotected && { protected: false }),
    ...(options.sizeMin !== undefined && { sizeMinBytes: options.sizeMin }),
    ...(options.sizeMax !== undefined && { sizeMaxBytes: options.sizeMax }),
  };
}
