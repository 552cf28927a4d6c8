import type { Command } from 'commander';
import { example } from '../options.ts';
import type { Daemons, Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerAgent(parent: Command, run: Run, { runAgent }: Daemons): void {
  parent
    .command('agent')
    .description('run the agent of one store until it is told to stop (SIGTERM, Ctrl-C)')
    .requiredOption('--config <file>', 'its configuration')
    .addHelpText('after', example('entrepot agent --config config/agent.yaml'))
    .action(
      run(async (_session: Session, options: { config: string }) => {
        await runAgent(options.config);
      }),
    );
}
