import type { Command } from 'commander';
import { example } from '../options.ts';
import type { Daemons, Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerHub(parent: Command, run: Run, { runHub }: Daemons): void {
  parent
    .command('hub')
    .description('run the hub until it is told to stop (SIGTERM, Ctrl-C)')
    .requiredOption('--config <file>', 'its configuration')
    .addHelpText('after', example('entrepot hub --config config/hub.yaml'))
    .action(
      run(async (_session: Session, options: { config: string }) => {
        await runHub(options.config);
      }),
    );
}
