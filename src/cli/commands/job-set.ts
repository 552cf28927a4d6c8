import type { Command } from 'commander';
import { example, parseJobId, rateOption } from '../options.ts';
import { jobJson } from '../output/json.ts';
import { jobHeading } from '../output/progress.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerJobSet(parent: Command, run: Run): void {
  parent
    .command('set')
    .description('how fast each store may send for a job; holds at once, also for what is under way')
    .argument('<job-id>', 'its UUID')
    .addOption(rateOption())
    .addHelpText('after', example('entrepot job set 7c1e5b9a-03d4-4f6e-8a21-5b0c9d7e4f32 --rate 5M'))
    .action(
      run(async (session: Session, id: string, { rate }: { readonly rate: string }) => {
        const job = await (await session.hub()).setJobRate(parseJobId(id), rate);
        session.print({ text: `${jobHeading(job)}\n`, json: jobJson(job) });
      }),
    );
}
