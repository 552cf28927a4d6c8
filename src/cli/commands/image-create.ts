import type { Command } from 'commander';
import { parseStoreId } from '../../domain/ids.ts';
import type { DiskFormat } from '../../domain/image.ts';
import { Refusal } from '../../domain/refusal.ts';
import { isOpaque } from '../../image/entry.ts';
import { isCompression } from '../../image/inspect/verdict.ts';
import { bringIn, type FileImportOptions, uploadCommand } from '../bring-in.ts';
import { addDraftOptions, type DraftOptions, draftOf } from '../draft-options.ts';
import type { LocalImage } from '../local-image.ts';
import {
  allMustSucceedOption,
  allowFailureOption,
  allStoresOption,
  example,
  laneOption,
  storesOption,
} from '../options.ts';
import { imageJson } from '../output/json.ts';
import type { ProgressPrinter } from '../output/progress.ts';
import { imageText } from '../output/views.ts';
import type { Run } from '../program.ts';
import { warnOfProperties } from '../property-warnings.ts';
import type { Session } from '../session.ts';
import type { Unfinished } from '../unfinished-upload.ts';
import type { Image } from '../wire.ts';

type FileOptions = FileImportOptions & DraftOptions;
type Options = Omit<FileImportOptions, 'file'> & DraftOptions & { readonly file?: string };

export function registerImageCreate(parent: Command, run: Run): void {
  const command = parent
    .command('create')
    .description(
      'bring an image in from a local file of any format: to central, or first to an edge store (R3); goes on with an upload that broke off',
    )
    .requiredOption('--name <name>', 'what people call it')
    .option(
      '--file <path>',
      'the file; holes are not sent. Without one a record is made, for `image stage` or `upload`',
    );
  addDraftOptions(command)
    .option('--store <id>', 'where it enters; central when left out', parseStoreId)
    .addOption(storesOption())
    .addOption(allStoresOption())
    .addOption(allowFailureOption())
    .addOption(allMustSucceedOption())
    .addOption(laneOption())
    .addHelpText(
      'after',
      example(
        'entrepot image create --name debian-13 --file ./debian-13.raw --property os_distro=debian',
        'entrepot image create --name debian-13 --file ./debian-13.qcow2 --all-stores',
        'entrepot image create --name snapshot-7 --file ./snapshot-7.raw --store dcn0',
      ),
    )
    .action(run(create));
}

async function create(session: Session, { file, ...options }: Options): Promise<void> {
  if (file === undefined) await createRecord(session, options);
  else await createOf(session, { ...options, file });
}

/** An image without data. */
async function createRecord(session: Session, options: Omit<Options, 'file'>): Promise<void> {
  const { store, stores, allStores, allStoresMustSucceed, allowFailure } = options;
  if ([store, stores, allStores, allStoresMustSucceed, allowFailure].some((given) => given !== undefined)) {
    throw new Refusal('INVALID', 'there is no file to bring to a store', {
      hint: 'give --file PATH, or leave the stores to `entrepot image import`',
    });
  }
  const image = await (await session.hub()).createImage(draftOf(options, 'raw'));
  warnOfProperties(session, image);
  session.print({ text: imageText(image), json: { image: imageJson(image) } });
}

async function createOf(session: Session, options: FileOptions): Promise<void> {
  const { LocalImage } = await import('../local-image.ts');
  const { tellGoingOn } = await import('../unfinished-upload.ts');
  // First of all: most mistakes are in the path, and then nothing has been made yet.
  await using source = await LocalImage.open(options.file);
  // What is kept as it is may be any bytes, and is not looked into.
  const format = isOpaque(options.containerFormat) ? 'raw' : await formatOf(source, options);
  await using unfinished = await unfinishedBy(session, source, options);
  if (unfinished !== undefined) {
    const { imageId } = unfinished;
    tellGoingOn(session, unfinished, `the record of image ${imageId} stays as it is`);
    const onAbandoned = async (printer: ProgressPrinter) => printer.note(keptText(imageId, options));
    return await bringIn(session, source, options, { imageId, unfinished, onAbandoned });
  }
  const image = await (await session.hub()).createImage(draftOf(options, format));
  warnOfProperties(session, image);
  const onAbandoned = (printer: ProgressPrinter) => takeBack(session, image, options, printer);
  await bringIn(session, source, options, { imageId: image.id, unfinished, onAbandoned });
}

/** What an earlier run of the same command left. */
async function unfinishedBy(
  session: Session,
  source: LocalImage,
  options: FileOptions,
): Promise<Unfinished | undefined> {
  const { unfinishedByName, unfinishedOfOwn } = await import('../unfinished-upload.ts');
  if (options.id === undefined) return await unfinishedByName(session, source, options);
  return await unfinishedOfOwn(session, options.id, source, options.owner);
}

/** What to declare the file as. INVALID when it was declared as something that it is not; the agent looks again. */
async function formatOf(source: LocalImage, { file, diskFormat: given }: FileOptions): Promise<DiskFormat> {
  const { diskFormat, found } = await source.format();
  // Of a compressed file only what is in it counts.
  if (given === undefined || isCompression(found) || BOOT_FORMATS.has(given)) return diskFormat;
  if (given === diskFormat) return diskFormat;
  throw new Refusal('INVALID', `${file} is ${found}, and was declared as ${given}`, {
    hint: `--disk-format ${diskFormat}, or leave it out`,
  });
}

/** Any bytes may be one. */
const BOOT_FORMATS: ReadonlySet<string> = new Set(['aki', 'ari', 'ami']);

/**
 * The record of an image whose bytes did not get in. One whose UUID was given is kept: a UUID
 * is used once, so deleting it would take it away from who chose it.
 */
async function takeBack(
  session: Session,
  image: Image,
  options: FileOptions,
  printer: ProgressPrinter,
): Promise<void> {
  if (options.id !== undefined) return printer.note(keptText(image.id, options));
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
    printer.note(keptText(image.id, options, `, for deleting it failed: ${message}`));
  }
}

function keptText(imageId: string, options: FileOptions, why = ''): string {
  return `image ${imageId} is kept without data${why}; \`${uploadCommand(imageId, options)}\` tries again`;
}
