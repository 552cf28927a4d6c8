import type { Command } from 'commander';
import { example, parseJobId } from '../options.ts';
import type { Run } from '../program.ts';
import { watchAndReport } from '../report-job.ts';
import type { Session } from '../session.ts';

export function registerJobWatch(parent: Command, run: Run): void {
  parent
    .command('watch')
    .description('show a job until it has ended; the exit code is its outcome')
    .argument('<job-id>', 'its UUID')
    .addHelpText('after', example('entrepot job watch 7c1e5b9a-03d4-4f6e-8a21-5b0c9d7e4f32'))
    .action(
      run(async (session: Session, id: string) => {
        const jobId = parseJobId(id);
        await watchAndReport(session, await (await session.hub()).getJob(jobId));
      }),
    );
}
