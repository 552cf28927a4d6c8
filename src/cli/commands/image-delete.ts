import type { Command } from 'commander';
import { parseUuid } from '../../domain/ids.ts';
import { example, waitOption } from '../options.ts';
import type { Run } from '../program.ts';
import { reportJob } from '../report-job.ts';
import type { Session } from '../session.ts';

export function registerImageDelete(parent: Command, run: Run): void {
  parent
    .command('delete')
    .description('delete an image at every site; a site that is away follows when it is back')
    .argument('<image-id>', 'its UUID')
    .addOption(waitOption())
    .addHelpText('after', example('entrepot image delete 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10 --wait'))
    .action(
      run(async (session: Session, id: string, options: { readonly wait?: true }) => {
        const imageId = parseUuid(id);
        const job = await (await session.hub()).deleteImage(imageId);
        await reportJob(session, job, options);
      }),
    );
}
