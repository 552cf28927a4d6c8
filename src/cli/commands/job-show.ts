import type { Command } from 'commander';
import { example, parseJobId } from '../options.ts';
import { jobJson } from '../output/json.ts';
import { jobText } from '../output/views.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerJobShow(parent: Command, run: Run): void {
  parent
    .command('show')
    .description('one job: its place, what is before it, and how far each store is')
    .argument('<job-id>', 'its UUID')
    .addHelpText('after', example('entrepot job show 7c1e5b9a-03d4-4f6e-8a21-5b0c9d7e4f32'))
    .action(
      run(async (session: Session, id: string) => {
        const jobId = parseJobId(id);
        const job = await (await session.hub()).getJob(jobId);
        session.print({ text: jobText(job), json: jobJson(job) });
      }),
    );
}
