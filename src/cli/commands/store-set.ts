import type { Command } from 'commander';
import { parseStoreId } from '../../domain/ids.ts';
import { example, rateOption } from '../options.ts';
import { storeJson } from '../output/json.ts';
import { storePaceText } from '../output/pace.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerStoreSet(parent: Command, run: Run): void {
  parent
    .command('set')
    .description('how fast images are sent to a store and from it; holds at once, also for what is under way')
    .argument('<id>', 'of the store')
    .addOption(rateOption())
    .addHelpText(
      'after',
      example(
        'entrepot store set dcn0 --rate 20M',
        "entrepot store set dcn0 --rate 'Mon-Fri 08:00 20M, 18:00 200M, Sat-Sun off in Europe/Berlin'",
      ),
    )
    .action(
      run(async (session: Session, given: string, { rate }: { readonly rate: string }) => {
        const store = await (await session.hub()).setStore(parseStoreId(given), rate);
        session.print({ text: storePaceText(store), json: storeJson(store) });
      }),
    );
}
