import type { Command } from 'commander';
import { parseUuid } from '../../domain/ids.ts';
import { example } from '../options.ts';
import { locationJson } from '../output/json.ts';
import { locationsTable } from '../output/views.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerImageLocations(parent: Command, run: Run): void {
  parent
    .command('locations')
    .description('where an image can be booted from: the URLs of its verified copies')
    .argument('<image-id>', 'its UUID')
    .addHelpText('after', example('entrepot image locations 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10'))
    .action(
      run(async (session: Session, id: string) => {
        const imageId = parseUuid(id);
        const locations = await (await session.hub()).listLocations(imageId);
        session.print({ text: locationsTable(locations), json: locations.map(locationJson) });
      }),
    );
}
