import { type Command, Option } from 'commander';
import { parseUuid } from '../../domain/ids.ts';
import { CONTAINER_FORMATS, DISK_FORMATS, VISIBILITIES } from '../../domain/image.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { UpdateImageRequest } from '../../rpc/generated/entrepot/v1/UpdateImageRequest.ts';
import { example, parseProperty, parsePropertyNames, parseTags, wholeNumber } from '../options.ts';
import { imageJson } from '../output/json.ts';
import { imageText } from '../output/views.ts';
import type { Run } from '../program.ts';
import { warnOfProperties } from '../property-warnings.ts';
import type { Session } from '../session.ts';

interface SetOptions {
  readonly name?: string;
  readonly owner?: string;
  readonly visibility?: string;
  readonly protected?: true;
  readonly unprotected?: true;
  readonly hidden?: true;
  readonly visible?: true;
  readonly diskFormat?: string;
  readonly containerFormat?: string;
  readonly minDisk?: number;
  readonly minRam?: number;
  readonly property?: Readonly<Record<string, string>>;
  readonly tag?: readonly string[];
}

interface UnsetOptions {
  readonly property?: readonly string[];
  readonly tag?: readonly string[];
}

const SAMPLE_ID = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';

export function registerImageSet(parent: Command, run: Run): void {
  parent
    .command('set')
    .description('change the record of an image: all that is asked for, or nothing')
    .argument('<image-id>', 'its UUID')
    .option('--name <name>', 'what people call it')
    .addOption(new Option('--visibility <who>', 'who may see it; public: for admins').choices(VISIBILITIES))
    .option('--owner <name>', 'give it to another operator; for admins')
    .option('--protected', 'refuse to delete it')
    .addOption(new Option('--unprotected', 'let it be deleted').conflicts('protected'))
    .option('--hidden', 'leave it out of default lists')
    .addOption(new Option('--visible', 'have it in default lists').conflicts('hidden'))
    .addOption(new Option('--disk-format <format>', 'only while it is queued').choices(DISK_FORMATS))
    .addOption(
      new Option('--container-format <format>', 'only while it is queued').choices(CONTAINER_FORMATS),
    )
    .option('--min-disk <gib>', 'smallest disk to boot it from, in GiB', wholeNumber('min disk', 0))
    .option('--min-ram <mib>', 'smallest memory to boot it with, in MiB', wholeNumber('min ram', 0))
    .option('--property <key=value...>', 'set a property; may be repeated', parseProperty)
    .option('--tag <tag...>', 'add a tag; may be repeated', parseTags)
    .addHelpText(
      'after',
      example(
        `entrepot image set ${SAMPLE_ID} --name debian-13.1 --property hw_disk_bus=virtio --tag stable`,
        `entrepot image set ${SAMPLE_ID} --unprotected --hidden`,
      ),
    )
    .action(
      run((session: Session, id: string, options: SetOptions) =>
        update(session, {
          imageId: parseUuid(id),
          ...(options.name !== undefined && { name: options.name }),
          ...(options.visibility !== undefined && { visibility: options.visibility }),
          ...(options.owner !== undefined && { owner: options.owner }),
          ...(options.protected && { protected: true }),
          ...(options.unprotected && { protected: false }),
          ...(options.hidden && { osHidden: true }),
          ...(options.visible && { osHidden: false }),
          ...(options.diskFormat !== undefined && { diskFormat: options.diskFormat }),
          ...(options.containerFormat !== undefined && { containerFormat: options.containerFormat }),
          ...(options.minDisk !== undefined && { minDiskGib: options.minDisk }),
          ...(options.minRam !== undefined && { minRamMib: options.minRam }),
          ...(options.property !== undefined && { properties: { ...options.property } }),
          ...(options.tag !== undefined && { addedTags: [...options.tag] }),
        }),
      ),
    );
}

export function registerImageUnset(parent: Command, run: Run): void {
  parent
    .command('unset')
    .description('take properties and tags off an image: all that are named, or none')
    .argument('<image-id>', 'its UUID')
    .option('--property <key...>', 'remove a property; may be repeated', parsePropertyNames)
    .option('--tag <tag...>', 'remove a tag; may be repeated', parseTags)
    .addHelpText('after', example(`entrepot image unset ${SAMPLE_ID} --property hw_disk_bus --tag stable`))
    .action(
      run((session: Session, id: string, { property, tag }: UnsetOptions) =>
        update(session, {
          imageId: parseUuid(id),
          ...(property !== undefined && { removedProperties: [...property] }),
          ...(tag !== undefined && { removedTags: [...tag] }),
        }),
      ),
    );
}

async function update(session: Session, request: UpdateImageRequest): Promise<void> {
  if (Object.keys(request).length === 1) {
    throw new Refusal('INVALID', 'nothing is named that would be changed', {
      hint: '`entrepot image set --help` and `entrepot image unset --help` show what can be',
    });
  }
  const image = await (await session.hub()).records.update(request);
  if (request.properties !== undefined) warnOfProperties(session, image);
  session.print({ text: imageText(image), json: imageJson(image) });
}
