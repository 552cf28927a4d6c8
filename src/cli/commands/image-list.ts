import type { Command } from 'commander';
import { example, wholeNumber } from '../options.ts';
import { imageJson } from '../output/json.ts';
import { imagesTable } from '../output/views.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';
import type { Image } from '../wire.ts';

interface Options {
  readonly stores?: true;
  readonly limit?: number;
  readonly name?: string;
}

export function registerImageList(parent: Command, run: Run): void {
  parent
    .command('list')
    .description('all images, with how many stores hold a copy')
    .option('--stores', 'name the stores, and how far unfinished copies are')
    .option('--name <name>', 'only images of this name')
    .option('--limit <count>', 'at most so many; all when left out', wholeNumber('limit', 1))
    .addHelpText('after', example('entrepot image list --stores', 'entrepot image list --limit 20 -o json'))
    .action(
      run(async (session: Session, { stores, limit, name }: Options) => {
        const hub = await session.hub();
        const images: Image[] = [];
        for await (const image of hub.listImages(limit ?? Number.MAX_SAFE_INTEGER, name)) images.push(image);
        session.print({ text: imagesTable(images, stores === true), json: images.map(imageJson) });
      }),
    );
}
