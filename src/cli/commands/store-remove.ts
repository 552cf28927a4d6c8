import type { Command } from 'commander';
import { parseStoreId } from '../../domain/ids.ts';
import { example } from '../options.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerStoreRemove(parent: Command, run: Run): void {
  parent
    .command('remove')
    .description('forget a store; refused, naming what it would orphan, while it holds copies')
    .argument('<id>', 'of the store')
    .option('--orphan-copies', 'forget its copies too; their bytes stay in its pool')
    .addHelpText('after', example('entrepot store remove dcn0', 'entrepot store remove dcn0 --orphan-copies'))
    .action(
      run(async (session: Session, given: string, options: { readonly orphanCopies?: true }) => {
        const id = parseStoreId(given);
        const orphaned = await (await session.hub()).removeStore(id, options.orphanCopies === true);
        const copies = orphaned === 1 ? 'copy' : 'copies';
        const left = orphaned === 0 ? '' : `; ${orphaned} ${copies} in its pool are known to nobody now`;
        session.print({
          text: `store ${id} is removed${left}\n`,
          json: { id, orphaned_copies: orphaned },
        });
      }),
    );
}
