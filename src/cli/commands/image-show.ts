import type { Command } from 'commander';
import { parseUuid } from '../../domain/ids.ts';
import { example } from '../options.ts';
import { imageJson } from '../output/json.ts';
import { imageText } from '../output/views.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerImageShow(parent: Command, run: Run): void {
  parent
    .command('show')
    .description(
      'the whole record of an image, and each copy: state, phase, percent, rate, time left, reason',
    )
    .argument('<image-id>', 'its UUID')
    .addHelpText('after', example('entrepot image show 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10'))
    .action(
      run(async (session: Session, id: string) => {
        const imageId = parseUuid(id);
        const image = await (await session.hub()).getImage(imageId);
        session.print({ text: imageText(image), json: imageJson(image) });
      }),
    );
}
