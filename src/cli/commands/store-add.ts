import { type Command, Option } from 'commander';
import { parseStoreId } from '../../domain/ids.ts';
import { Refusal } from '../../domain/refusal.ts';
import { ROLES } from '../../domain/store.ts';
import { withFile } from '../file-errors.ts';
import { requireNewFile } from '../new-file.ts';
import { durationSeconds, example } from '../options.ts';
import { storeJson, textOrNull, timeOrNull } from '../output/json.ts';
import { formatTime } from '../output/units.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';
import { shellWord } from '../shell-word.ts';
import type { AddStoreReply, Store } from '../wire.ts';

interface Options {
  readonly role?: string;
  /** Seconds. */
  readonly tokenLifetime?: number;
  readonly tokenFile?: string;
}

export function registerStoreAdd(parent: Command, run: Run): void {
  parent
    .command('add')
    .description(
      'a new store, or one whose agent is to join anew: prints a token for its agent, which works once',
    )
    .argument('<id>', 'lower-case letters, digits and dashes')
    .addOption(new Option('--role <role>', 'edge when left out, or what the store is already').choices(ROLES))
    .option(
      '--token-lifetime <duration>',
      'how long the token may be used; as long as the hub has it when left out',
      durationSeconds('life of a token'),
    )
    .option('--token-file <file>', 'write the token there, readable by you alone, instead of printing it')
    .addHelpText(
      'after',
      example(
        'entrepot store add central --role central',
        'entrepot store add dcn0 --token-lifetime 1h --token-file ./dcn0.token',
      ),
    )
    .action(run(add));
}

async function add(session: Session, given: string, options: Options): Promise<void> {
  const id = parseStoreId(given);
  const { role = '', tokenLifetime = 0, tokenFile } = options;
  if (tokenFile !== undefined) {
    await requireNewFile(tokenFile, 'name another file with --token-file, or remove it');
  }
  const reply = await (await session.hub()).addStore(id, role, tokenLifetime);
  const { store, joinToken, tokenExpiresAtMs } = reply;
  if (store === null) throw new Refusal('INTERNAL', 'the hub answered without the store');
  const isWritten = tokenFile !== undefined && joinToken !== '';
  if (isWritten) await saveToken(tokenFile, joinToken, id);
  session.print({
    text: addedText(session, reply, store, isWritten ? tokenFile : undefined),
    json: {
      store: storeJson(store),
      token: isWritten ? null : textOrNull(joinToken),
      token_file: isWritten ? tokenFile : null,
      token_expires_at: timeOrNull(tokenExpiresAtMs),
    },
  });
}

/** The token is the last line, and alone on it, so that it can be cut off and passed on. */
function addedText(
  { hubAddress }: Session,
  { joinToken, tokenExpiresAtMs }: AddStoreReply,
  { id, role }: Store,
  tokenFile: string | undefined,
): string {
  const added = `store ${id} (${role}) is added`;
  if (joinToken === '') {
    return `${added}; its agent needs a certificate of your own authority for spiffe://entrepot/store/${id}\n`;
  }
  const until = formatTime(tokenExpiresAtMs);
  const join = `entrepot agent join --hub ${hubAddress} --config agent.yaml`;
  if (tokenFile !== undefined) {
    const file = shellWord(tokenFile);
    return `${added}; until ${until} its agent joins once, with ${file} at its site:\n  ${join} --token-file ${file}\n`;
  }
  return `${added}; until ${until} its agent joins once, with this token on its standard input:\n  ${join} --token -\n${joinToken}\n`;
}

async function saveToken(file: string, token: string, id: string): Promise<void> {
  const { writeSecret } = await import('../../trust/files.ts');
  try {
    await withFile(`write ${file}`, () => writeSecret(file, `${token}\n`));
  } catch (error) {
    const { code, message } = Refusal.from(error);
    throw new Refusal(code, `store ${id} is added, and its token is lost: ${message}`, {
      hint: `\`entrepot store add ${id}\` gives another token`,
      cause: error,
    });
  }
}
