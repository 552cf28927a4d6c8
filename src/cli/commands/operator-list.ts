import type { Command } from 'commander';
import { example } from '../options.ts';
import { operatorJson } from '../output/json.ts';
import { operatorsTable } from '../output/trust-views.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerOperatorList(parent: Command, run: Run): void {
  parent
    .command('list')
    .description(
      'all operators with their roles, and a line for each of their credentials; who is no admin sees itself',
    )
    .addHelpText('after', example('entrepot operator list', 'entrepot operator list -o json'))
    .action(
      run(async (session: Session) => {
        const operators = await (await session.hub()).listOperators();
        session.print({ text: operatorsTable(operators), json: operators.map(operatorJson) });
      }),
    );
}
