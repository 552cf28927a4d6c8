import type { Command } from 'commander';
import { parseStoreId, parseUuid } from '../../domain/ids.ts';
import { example, waitOption } from '../options.ts';
import type { Run } from '../program.ts';
import { reportJob } from '../report-job.ts';
import type { Session } from '../session.ts';

export function registerImageDeleteCopy(parent: Command, run: Run): void {
  parent
    .command('delete-copy')
    .description("delete one store's copy of an image; refused while clones depend on it (R8)")
    .argument('<image-id>', 'its UUID')
    .requiredOption('--store <id>', 'whose copy', parseStoreId)
    .addOption(waitOption())
    .addHelpText(
      'after',
      example('entrepot image delete-copy 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10 --store dcn0'),
    )
    .action(
      run(async (session: Session, id: string, options: { readonly store: string; readonly wait?: true }) => {
        const imageId = parseUuid(id);
        const job = await (await session.hub()).deleteCopy(imageId, options.store);
        await reportJob(session, job, options);
      }),
    );
}
