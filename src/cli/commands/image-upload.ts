import type { Command } from 'commander';
import { parseStoreId, parseUuid } from '../../domain/ids.ts';
import { requireSucceeded } from '../follow.ts';
import type { LocalImage } from '../local-image.ts';
import { allMustSucceedOption, allStoresOption, example, laneOption, storesOption } from '../options.ts';
import { imageJson, jobJson } from '../output/json.ts';
import { jobHeading, type ProgressPrinter } from '../output/progress.ts';
import { imageText } from '../output/views.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

/** Where the data comes from and goes to, as `image create` and `image upload` both take it. */
export interface ImportOptions {
  readonly file: string;
  readonly store?: string;
  readonly stores?: readonly string[];
  readonly allStores?: true;
  readonly allStoresMustSucceed?: true;
  readonly lane: string;
}

export function registerImageUpload(parent: Command, run: Run): void {
  parent
    .command('upload')
    .description('bring the data of an image in that has none, as after an upload that failed')
    .argument('<image-id>', 'its UUID')
    .requiredOption('--file <path>', 'the raw image; holes are not sent')
    .option('--store <id>', 'where it enters; central when left out', parseStoreId)
    .addOption(storesOption())
    .addOption(allStoresOption())
    .addOption(allMustSucceedOption())
    .addOption(laneOption())
    .addHelpText(
      'after',
      example('entrepot image upload 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10 --file ./debian-13.raw'),
    )
    .action(
      run(async (session: Session, id: string, options: ImportOptions) => {
        const imageId = parseUuid(id);
        const { LocalImage } = await import('../local-image.ts');
        await using source = await LocalImage.open(options.file);
        await importFile(session, imageId, source, options, async () => {});
      }),
    );
}

/** Uploads, follows the import to its end, and prints the image. `onAbandoned` as for uploadImage. */
export async function importFile(
  session: Session,
  imageId: string,
  source: LocalImage,
  options: ImportOptions,
  onAbandoned: (printer: ProgressPrinter) => Promise<void>,
): Promise<void> {
  const { uploadImage } = await import('../upload.ts');
  const target = {
    imageId,
    storeId: options.store ?? '',
    storeIds: options.stores ?? [],
    allStores: options.allStores === true,
    allStoresMustSucceed: options.allStoresMustSucceed === true,
    lane: options.lane,
  };
  const job = await uploadImage(session, source, target, onAbandoned);
  const image = await (await session.hub()).getImage(imageId);
  session.print({
    text: `${imageText(image)}\n${jobHeading(job)}\n`,
    json: { image: imageJson(image), job: jobJson(job) },
  });
  requireSucceeded(job);
}
