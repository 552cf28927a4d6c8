import { resolve } from 'node:path';
import type { Command } from 'commander';
import { parseOperatorName } from '../../trust/identity.ts';
import { example, requireConfig } from '../options.ts';
import type { Daemons, Run } from '../program.ts';
import type { Session } from '../session.ts';
import { shellWord } from '../shell-word.ts';
import { requireWritableFolder } from '../writable-folder.ts';

interface Options {
  readonly config?: string;
  readonly operator: string;
  readonly operatorCredentials?: string;
  readonly hubCredentials?: string;
}

/** The hub of systemd reads copies of files, whose place only its unit knows. */
const UNIT_HINT =
  'name the folder that LoadCredential= of the unit reads, as in --hub-credentials /etc/entrepot/credentials';

export function registerHubInit(parent: Command, run: Run, { initHub }: Daemons): void {
  parent
    .command('init')
    .description(
      "make the hub's certificate authority and certificate, and the first operator, an admin; to be run at the hub, by its user",
    )
    .option('--operator <name>', 'of the first operator', parseOperatorName, 'admin')
    .option(
      '--operator-credentials <folder>',
      'where its credentials are written; where this command line looks for them when left out',
    )
    .option(
      '--hub-credentials <folder>',
      'where those of the hub are written, when it is another folder than the hub reads: the one LoadCredential= of its unit names',
    )
    .addHelpText(
      'after',
      example(
        'entrepot hub init --config config/hub.yaml',
        'entrepot hub init --config config/hub.yaml --operator alice --operator-credentials ./alice',
        'entrepot hub init --config /etc/entrepot/hub.yaml --hub-credentials /etc/entrepot/credentials',
      ),
    )
    .action(
      run(async (session: Session, options: Options) => {
        const configPath = requireConfig(options.config, 'hub init');
        const { loadHubConfig } = await import('../../config/hub-config.ts');
        const loaded = await loadHubConfig(configPath);
        const { operator } = options;
        const operatorFolder = options.operatorCredentials ?? session.credentialsFolder;
        const folder = options.hubCredentials ?? loaded.credentials;
        requireWritableFolder(folder, configPath, UNIT_HINT);
        const config = { ...loaded, credentials: folder };
        const { made } = await initHub({ config, operatorName: operator, operatorFolder });
        const isElsewhere = resolve(folder) !== resolve(loaded.credentials);
        const next = [
          ...(isElsewhere ? [] : [`entrepot hub --config ${shellWord(configPath)}`]),
          `entrepot store add central --role central${credentialsOption(session, operatorFolder)}`,
        ];
        session.print({
          text: [
            ...(made.length === 0 ? ['everything was there already'] : ['made:']),
            ...made.map((file) => `  ${file}`),
            `the credentials of the hub are in ${folder}`,
            ...(isElsewhere
              ? [`the hub looks for them in ${loaded.credentials}: see that they are there when it starts`]
              : []),
            `the credentials of operator ${operator}, an admin, are in ${operatorFolder}`,
            'next:',
            ...next.map((command) => `  ${command}`),
            '',
          ].join('\n'),
          json: { folder, operator, operator_folder: operatorFolder, made, next },
        });
      }),
    );
}

/** For a command that is to ask as the operator; empty where its folder is found anyway. */
function credentialsOption(session: Session, folder: string): string {
  const isFound = folder === session.credentialsFolder && !session.isTyped('credentials');
  return isFound ? '' : ` --credentials ${shellWord(folder)}`;
}
