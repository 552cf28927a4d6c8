import type { Command } from 'commander';
import { parseOperatorName } from '../../trust/identity.ts';
import { example } from '../options.ts';
import { operatorJson } from '../output/json.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerOperatorRevoke(parent: Command, run: Run): void {
  parent
    .command('revoke')
    .description('take away one credential of an operator, or without --credential all of them for good')
    .argument('<name>', 'of the operator')
    .option('--credential <id>', 'this one only; `entrepot operator list` shows the ids')
    .addHelpText(
      'after',
      example(
        'entrepot operator revoke alice',
        'entrepot operator revoke ci --credential 7c1e5b9a-03d4-4f6e-8a21-5b0c9d7e4f32',
      ),
    )
    .action(
      run(async (session: Session, given: string, options: { readonly credential?: string }) => {
        const name = parseOperatorName(given);
        const operator = await (await session.hub()).revokeOperator(name, options.credential);
        const text =
          options.credential === undefined
            ? `operator ${name} is revoked, with all its credentials\n`
            : `credential ${options.credential} of operator ${name} is revoked\n`;
        session.print({ text, json: operatorJson(operator) });
      }),
    );
}
