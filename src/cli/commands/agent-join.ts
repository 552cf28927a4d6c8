import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { Refusal } from '../../domain/refusal.ts';
import { readJoinToken, type TokenOptions } from '../join-token.ts';
import { example } from '../options.ts';
import { timeOrNull } from '../output/json.ts';
import { formatTime } from '../output/units.ts';
import type { Daemons, Run } from '../program.ts';
import type { Session } from '../session.ts';
import { shellWord } from '../shell-word.ts';
import { requireWritableFolder } from '../writable-folder.ts';

/** As in the configuration of an agent that says nothing of it: beside that file. */
const DEFAULT_FOLDER = './credentials';

interface Options extends TokenOptions {
  readonly config?: string;
}

interface Place {
  readonly hub: string;
  readonly folder: string;
  /** Where the agent will look for them, when that is another folder. */
  readonly readFrom: string | undefined;
  /** Undefined when only the token says it. */
  readonly storeId: string | undefined;
}

export function registerAgentJoin(parent: Command, run: Run, { joinAgent }: Daemons): void {
  parent
    .command('join')
    .description(
      "make this machine the agent of a store: a key that is made here, and the hub's certificate for it",
    )
    .option('--token <token>', 'that `entrepot store add` printed; - reads it from standard input')
    .addOption(
      new Option('--token-file <file>', 'a file that holds the token; else ENTREPOT_JOIN_TOKEN').conflicts(
        'token',
      ),
    )
    .addHelpText(
      'after',
      '\nWith --config, hub and credentials folder are those of that configuration unless --hub or\n' +
        '--credentials is given; without it, the folder is ./credentials unless --credentials is given.\n' +
        'Other users of this machine can see arguments for a moment: give the token on standard input\n' +
        'or in a file.',
    )
    .addHelpText(
      'after',
      example(
        'entrepot agent join --config config/agent.yaml --token-file ./dcn0.token',
        'entrepot agent join --hub hub.example:7440 --credentials ./credentials --token - <./dcn0.token',
      ),
    )
    .action(
      run(async (session: Session, options: Options) => {
        const place = await placeOf(session, options.config);
        const token = await readJoinToken(options);
        requireStore(token.storeId, place.storeId, options.config);
        const request = { hub: place.hub, token: token.text, folder: place.folder };
        const { storeId, expiresAtMs } = await joinAgent(request);
        const start = `entrepot agent --config ${shellWord(options.config ?? 'agent.yaml')}`;
        session.print({
          text:
            `joined as the agent of store ${storeId}\n` +
            `its credentials are in ${place.folder}, good until ${formatTime(expiresAtMs)}; the agent renews them by itself\n` +
            (place.readFrom === undefined
              ? ''
              : `the agent looks for them in ${place.readFrom}: see that they are there when it starts\n`) +
            `next: ${start}\n`,
          json: {
            store_id: storeId,
            folder: place.folder,
            expires_at: timeOrNull(expiresAtMs),
            next: [start],
          },
        });
      }),
    );
}

async function placeOf(session: Session, configPath: string | undefined): Promise<Place> {
  const isFolderTyped = session.isTyped('credentials');
  if (configPath === undefined) {
    // What the environment says of credentials is an operator's folder, not an agent's.
    const folder = isFolderTyped ? session.credentialsFolder : DEFAULT_FOLDER;
    return { hub: session.hubAddress, folder, readFrom: undefined, storeId: undefined };
  }
  const { loadAgentConfig } = await import('../../config/agent-config.ts');
  const config = await loadAgentConfig(configPath);
  const hub = session.isTyped('hub') ? session.hubAddress : config.hub;
  const folder = isFolderTyped ? session.credentialsFolder : config.credentials;
  requireWritableFolder(
    folder,
    configPath,
    'an agent renews its certificate: set it to a folder that the agent can write, as /var/lib/entrepot-agent/STORE/credentials; --credentials FOLDER writes elsewhere this once',
  );
  const readFrom = resolve(folder) === config.credentials ? undefined : config.credentials;
  return { hub, folder, readFrom, storeId: config.store };
}

/** Told here rather than by the agent that would not start. */
function requireStore(storeId: string, expected: string | undefined, configPath = ''): void {
  if (expected === undefined || storeId === expected) return;
  throw new Refusal(
    'INVALID',
    `the token is for store ${storeId}, and ${configPath} is of store ${expected}`,
    { hint: `\`entrepot store add ${expected}\` makes one for it` },
  );
}
