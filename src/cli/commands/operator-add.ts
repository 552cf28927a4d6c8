import { type Command, Option } from 'commander';
import { Refusal } from '../../domain/refusal.ts';
import { OPERATOR_ROLES } from '../../domain/rules/rights.ts';
import { parseOperatorName } from '../../trust/identity.ts';
import {
  addIssueOptions,
  defaultFolder,
  type IssueOptions,
  issueCommand,
  issuedJson,
  issuedText,
  issueInto,
  kindOf,
} from '../issue.ts';
import { example } from '../options.ts';
import { operatorJson } from '../output/json.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

interface Options extends IssueOptions {
  readonly role: string;
  /** The operator alone. */
  readonly withoutCredentials?: boolean;
}

export function registerOperatorAdd(parent: Command, run: Run): void {
  const command = parent
    .command('add')
    .description('a new operator, and a folder with its credentials, to be handed to it in a safe way')
    .argument('<name>', 'lower-case letters, digits, dots, dashes and underscores')
    .addOption(
      new Option('--role <role>', 'what it may: everything, its own images, look')
        .choices(OPERATOR_ROLES)
        .makeOptionMandatory(),
    );
  addIssueOptions(command)
    .option('--without-credentials', 'the operator alone: its certificate comes from your organisation')
    .addHelpText(
      'after',
      example(
        'entrepot operator add alice --role member',
        'entrepot operator add ci --role member --api-token --expires 90d --operator-credentials ./ci',
      ),
    )
    .action(run(add));
}

async function add(session: Session, given: string, options: Options): Promise<void> {
  const name = parseOperatorName(given);
  const kind = kindOf(options);
  if (options.withoutCredentials === true) {
    if (kind === 'token' || options.operatorCredentials !== undefined) throw contradiction();
    const operator = await (await session.hub()).addOperator(name, options.role);
    const text = `operator ${name} (${operator.role}) is added, without credentials\n`;
    session.print({ text, json: { operator: operatorJson(operator), credentials: null } });
    return;
  }
  const { CredentialsTarget } = await import('../credentials-target.ts');
  const folder = options.operatorCredentials ?? defaultFolder(name);
  const hub = await session.hub();
  await using target = await CredentialsTarget.prepare(folder, { replace: false });
  const operator = await hub.addOperator(name, options.role);
  const issued = await issueInto(session, target, name, options).catch((error: unknown) => {
    throw unfinished(error, name, options);
  });
  session.print({
    text: `operator ${name} (${operator.role}) is added\n${issuedText(issued)}`,
    json: { operator: operatorJson(operator), credentials: issuedJson(issued) },
  });
}

function contradiction(): Refusal {
  return new Refusal('INVALID', '--without-credentials leaves none to be made or written', {
    hint: 'leave out --without-credentials, or --api-token and --operator-credentials',
  });
}

/** The operator is there, and the command as it was given would be refused. */
function unfinished(error: unknown, name: string, options: IssueOptions): Refusal {
  const { code, message, hint, rule } = Refusal.from(error);
  const command = `\`${issueCommand(name, options)}\` makes them`;
  return new Refusal(code, `operator ${name} is added, and has no credentials yet: ${message}`, {
    hint: hint === undefined ? command : `${hint}; ${command}`,
    rule,
    cause: error,
  });
}
