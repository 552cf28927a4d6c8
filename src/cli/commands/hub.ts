import type { Command } from 'commander';
import { example, requireConfig } from '../options.ts';
import type { Daemons, Run } from '../program.ts';
import type { Session } from '../session.ts';

/** The command, for what else is done to a hub. */
export function registerHub(parent: Command, run: Run, { runHub }: Daemons): Command {
  return (
    parent
      .command('hub')
      .description('run the hub until it is told to stop (SIGTERM, Ctrl-C)')
      // Not a required option: commander would ask it of each subcommand too.
      .option('--config <file>', 'its configuration')
      .addHelpText(
        'after',
        example('entrepot hub init --config config/hub.yaml', 'entrepot hub --config config/hub.yaml'),
      )
      .action(
        run(async (_session: Session, options: { readonly config?: string }) => {
          await runHub(requireConfig(options.config, 'hub'));
        }),
      )
  );
}
