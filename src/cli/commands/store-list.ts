import type { Command } from 'commander';
import { example } from '../options.ts';
import { storeJson } from '../output/json.ts';
import { storesTable } from '../output/views.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerStoreList(parent: Command, run: Run): void {
  parent
    .command('list')
    .description('role, driver, pool and fsid of each store, since when it is online, copies, free space')
    .addHelpText('after', example('entrepot store list', 'entrepot store list -o json'))
    .action(
      run(async (session: Session) => {
        const stores = await (await session.hub()).listStores();
        session.print({ text: storesTable(stores), json: stores.map(storeJson) });
      }),
    );
}
