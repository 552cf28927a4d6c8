import type { Command } from 'commander';
import { parseStoreId } from '../../domain/ids.ts';
import { example } from '../options.ts';
import { storeJson } from '../output/json.ts';
import { storePaceText } from '../output/pace.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

/** `store pause` and `store resume`. */
export function registerStorePause(parent: Command, run: Run): void {
  parent
    .command('pause')
    .description('hold all images on their way to a store and from it, until it is resumed; deletes go on')
    .argument('<id>', 'of the store')
    .addHelpText('after', example('entrepot store pause dcn0'))
    .action(
      run(async (session: Session, given: string) => {
        const store = await (await session.hub()).pauseStore(parseStoreId(given));
        session.print({ text: storePaceText(store), json: storeJson(store) });
      }),
    );
  parent
    .command('resume')
    .description('let a store that was paused go on')
    .argument('<id>', 'of the store')
    .addHelpText('after', example('entrepot store resume dcn0'))
    .action(
      run(async (session: Session, given: string) => {
        const store = await (await session.hub()).resumeStore(parseStoreId(given));
        session.print({ text: storePaceText(store), json: storeJson(store) });
      }),
    );
}
