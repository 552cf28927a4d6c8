import type { Command } from 'commander';
import { example, parseJobId } from '../options.ts';
import { jobJson } from '../output/json.ts';
import { jobHeading } from '../output/progress.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

/** `job pause` and `job resume`. */
export function registerJobPause(parent: Command, run: Run): void {
  parent
    .command('pause')
    .description('hold a job until it is resumed: nothing of it begins, and what runs stands still')
    .argument('<job-id>', 'its UUID')
    .addHelpText('after', example('entrepot job pause 7c1e5b9a-03d4-4f6e-8a21-5b0c9d7e4f32'))
    .action(
      run(async (session: Session, id: string) => {
        const job = await (await session.hub()).pauseJob(parseJobId(id));
        session.print({ text: `${jobHeading(job)}\n`, json: jobJson(job) });
      }),
    );
  parent
    .command('resume')
    .description('let a job that was paused go on from where it was')
    .argument('<job-id>', 'its UUID')
    .addHelpText('after', example('entrepot job resume 7c1e5b9a-03d4-4f6e-8a21-5b0c9d7e4f32'))
    .action(
      run(async (session: Session, id: string) => {
        const job = await (await session.hub()).resumeJob(parseJobId(id));
        session.print({ text: `${jobHeading(job)}\n`, json: jobJson(job) });
      }),
    );
}
