import type { Command } from 'commander';
import { example, parseJobId } from '../options.ts';
import { jobJson } from '../output/json.ts';
import { jobHeading } from '../output/progress.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerJobCancel(parent: Command, run: Run): void {
  parent
    .command('cancel')
    .description('cancel a job; copies that are complete stay')
    .argument('<job-id>', 'its UUID')
    .addHelpText('after', example('entrepot job cancel 7c1e5b9a-03d4-4f6e-8a21-5b0c9d7e4f32'))
    .action(
      run(async (session: Session, id: string) => {
        const jobId = parseJobId(id);
        const job = await (await session.hub()).cancelJob(jobId);
        session.print({ text: `${jobHeading(job)}\n`, json: jobJson(job) });
      }),
    );
}
