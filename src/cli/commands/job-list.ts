import type { Command } from 'commander';
import { parseUuid } from '../../domain/ids.ts';
import { example, wholeNumber } from '../options.ts';
import { jobJson } from '../output/json.ts';
import { jobsTable } from '../output/views.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

/** What the hub gives at most. */
const MAX_JOBS = 1000;

interface Options {
  readonly image?: string;
  readonly all?: true;
  readonly limit: number;
}

export function registerJobList(parent: Command, run: Run): void {
  parent
    .command('list')
    .description('jobs that wait or run, newest first, with their place in the queue of their image')
    .option('--image <id>', 'only of this image', (text) => parseUuid(text))
    .option('--all', 'ended jobs too')
    .option('--limit <count>', 'at most so many', wholeNumber('limit', 1, MAX_JOBS), 100)
    .addHelpText('after', example('entrepot job list', 'entrepot job list --all --limit 10'))
    .action(
      run(async (session: Session, { image = '', all, limit }: Options) => {
        const jobs = await (await session.hub()).listJobs({ imageId: image, all: all === true, limit });
        session.print({ text: jobsTable(jobs), json: jobs.map(jobJson) });
      }),
    );
}
