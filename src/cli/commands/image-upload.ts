import type { Command } from 'commander';
import { parseStoreId, parseUuid } from '../../domain/ids.ts';
import { bringIn, type FileImportOptions } from '../bring-in.ts';
import {
  allMustSucceedOption,
  allowFailureOption,
  allStoresOption,
  example,
  laneOption,
  storesOption,
} from '../options.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerImageUpload(parent: Command, run: Run): void {
  parent
    .command('upload')
    .description('bring the data of an image in that has none, or go on with an upload that broke off')
    .argument('<image-id>', 'its UUID')
    .requiredOption('--file <path>', 'the image, in the format its record says; holes are not sent')
    .option('--store <id>', 'where it enters; central when left out', parseStoreId)
    .addOption(storesOption())
    .addOption(allStoresOption())
    .addOption(allowFailureOption())
    .addOption(allMustSucceedOption())
    .addOption(laneOption())
    .addHelpText(
      'after',
      example('entrepot image upload 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10 --file ./debian-13.raw'),
    )
    .action(
      run(async (session: Session, id: string, options: FileImportOptions) => {
        const imageId = parseUuid(id);
        const { LocalImage } = await import('../local-image.ts');
        await using source = await LocalImage.open(options.file);
        const { tellGoingOn, unfinishedOf } = await import('../unfinished-upload.ts');
        const unfinished = await unfinishedOf(session, imageId, source);
        if (unfinished !== undefined) tellGoingOn(session, unfinished);
        await bringIn(session, source, options, { imageId, unfinished, onAbandoned: async () => {} });
      }),
    );
}
