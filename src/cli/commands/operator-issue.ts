import type { Command } from 'commander';
import { parseOperatorName } from '../../trust/identity.ts';
import {
  addIssueOptions,
  type IssueOptions,
  issuedJson,
  issuedText,
  issueInto,
  issueTarget,
  kindOf,
} from '../issue.ts';
import { example } from '../options.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerOperatorIssue(parent: Command, run: Run): void {
  const command = parent
    .command('issue')
    .description(
      'further credentials for an operator; for oneself they replace those in use, which renews them',
    )
    .argument('<name>', 'of the operator');
  addIssueOptions(command)
    .addHelpText(
      'after',
      example(
        'entrepot operator issue alice',
        'entrepot operator issue ci --api-token --expires 90d --operator-credentials ./ci-2',
      ),
    )
    .action(
      run(async (session: Session, given: string, options: IssueOptions) => {
        const name = parseOperatorName(given);
        kindOf(options);
        const { CredentialsTarget } = await import('../credentials-target.ts');
        const { folder, replace } = await issueTarget(session, name, options);
        await using target = await CredentialsTarget.prepare(folder, { replace });
        const issued = await issueInto(session, target, name, options);
        session.print({ text: issuedText(issued), json: issuedJson(issued) });
      }),
    );
}
