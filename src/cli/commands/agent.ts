import type { Command } from 'commander';
import { example, requireConfig } from '../options.ts';
import type { Daemons, Run } from '../program.ts';
import type { Session } from '../session.ts';

/** The command, for what else is done to an agent. */
export function registerAgent(parent: Command, run: Run, { runAgent }: Daemons): Command {
  return (
    parent
      .command('agent')
      .description('run the agent of one store until it is told to stop (SIGTERM, Ctrl-C)')
      // Not a required option: commander would ask it of each subcommand too.
      .option('--config <file>', 'its configuration')
      .addHelpText(
        'after',
        example(
          'entrepot agent join --config config/agent.yaml --token-file ./dcn0.token',
          'entrepot agent --config config/agent.yaml',
        ),
      )
      .action(
        run(async (_session: Session, options: { readonly config?: string }) => {
          await runAgent(requireConfig(options.config, 'agent'));
        }),
      )
  );
}
