import { type Command, Option } from 'commander';
import { parseStoreId, parseUuid } from '../../domain/ids.ts';
import { DISK_FORMATS, VISIBILITIES } from '../../domain/image.ts';
import { Refusal } from '../../domain/refusal.ts';
import { conversionHint } from '../file-errors.ts';
import {
  allMustSucceedOption,
  allStoresOption,
  example,
  laneOption,
  parseProperty,
  parseTags,
  storesOption,
  wholeNumber,
} from '../options.ts';
import type { ProgressPrinter } from '../output/progress.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';
import type { Image } from '../wire.ts';
import { type ImportOptions, importFile } from './image-upload.ts';

interface Options extends ImportOptions {
  readonly name: string;
  readonly id?: string;
  readonly property?: Readonly<Record<string, string>>;
  readonly tag?: readonly string[];
  readonly visibility?: string;
  readonly protected?: true;
  readonly hidden?: true;
  readonly minDisk: number;
  readonly minRam: number;
  readonly diskFormat: string;
}

export function registerImageCreate(parent: Command, run: Run): void {
  parent
    .command('create')
    .description('bring a raw image in from a local file: to central, or first to an edge store (R3)')
    .requiredOption('--name <name>', 'what people call it')
    .requiredOption('--file <path>', 'the raw image; holes are not sent')
    .option('--id <uuid>', 'its UUID; a new one when left out', (text) => parseUuid(text))
    .option('--store <id>', 'where it enters; central when left out', parseStoreId)
    .addOption(storesOption())
    .addOption(allStoresOption())
    .addOption(allMustSucceedOption())
    .addOption(laneOption())
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
      new Option('--disk-format <format>', 'of the file; only raw so far')
        .choices(DISK_FORMATS)
        .default('raw'),
    )
    .addHelpText(
      'after',
      example(
        'entrepot image create --name debian-13 --file ./debian-13.raw --property os_distro=debian',
        'entrepot image create --name debian-13 --file ./debian-13.raw --all-stores',
        'entrepot image create --name snapshot-7 --file ./snapshot-7.raw --store dcn0',
      ),
    )
    .action(run(create));
}

async function create(session: Session, options: Options): Promise<void> {
  if (options.diskFormat !== 'raw') {
    throw new Refusal('UNSUPPORTED', `disk format ${options.diskFormat} cannot be taken in: only raw can`, {
      hint: conversionHint(options.file),
    });
  }
  const { LocalImage } = await import('../local-image.ts');
  // First of all: most mistakes are in the path, and then nothing has been made yet.
  await using source = await LocalImage.open(options.file);
  const hub = await session.hub();
  const image = await hub.createImage({
    id: options.id ?? '',
    name: options.name,
    diskFormat: options.diskFormat,
    containerFormat: 'bare',
    visibility: options.visibility ?? '',
    protected: options.protected === true,
    osHidden: options.hidden === true,
    minDiskGib: options.minDisk,
    minRamMib: options.minRam,
    tags: [...(options.tag ?? [])],
    properties: { ...options.property },
  });
  await importFile(session, image.id, source, options, (printer) =>
    takeBack(session, image, options, printer),
  );
}

/**
 * The record of an image whose bytes did not get in. One whose UUID was given is kept: a UUID
 * is used once, so deleting it would take it away from who chose it.
 */
async function takeBack(
  session: Session,
  image: Image,
  { id, file }: Options,
  printer: ProgressPrinter,
): Promise<void> {
  const again = `\`entrepot image upload ${image.id} --file ${file}\` tries again`;
  if (id !== undefined) {
    printer.note(`image ${image.id} is kept without data; ${again}`);
    return;
  }
  try {
    const hub = await session.hub();
    const { copies } = await hub.getImage(image.id);
    // The answer to the upload was lost, and the bytes were not.
    if (copies.some(({ state }) => state === 'present')) {
      printer.note(
        `image ${image.id} is kept: ${copies.map(({ storeId }) => storeId).join(', ')} holds its data`,
      );
      return;
    }
    await hub.deleteImage(image.id);
    printer.note(`image ${image.id}, made for this upload, is deleted again`);
  } catch (error) {
    const { message } = Refusal.from(error);
    printer.note(`image ${image.id} is kept without data, for deleting it failed: ${message}; ${again}`);
  }
}
