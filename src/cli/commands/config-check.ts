import type { Command } from 'commander';
import { example } from '../options.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerConfigCheck(parent: Command, run: Run): void {
  parent
    .command('check')
    .description('say whether a configuration of a hub or an agent is valid, and where it is not')
    .argument('<file>')
    .addHelpText('after', example('entrepot config check config/hub.yaml'))
    .action(
      run(async (session: Session, file: string) => {
        const { checkConfig } = await import('../../config/check-config.ts');
        const { kind } = await checkConfig(file);
        const owner = kind === 'hub' ? 'a hub' : 'an agent';
        // Nothing of the content: it may hold secrets.
        session.print({ text: `${file}: a valid configuration of ${owner}\n`, json: { file, kind } });
      }),
    );
}
