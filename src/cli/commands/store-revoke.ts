import type { Command } from 'commander';
import { parseStoreId } from '../../domain/ids.ts';
import { example } from '../options.ts';
import { storeJson } from '../output/json.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerStoreRevoke(parent: Command, run: Run): void {
  parent
    .command('revoke')
    .description("cut a store's agent off at once, its open streams included, until it has joined anew")
    .argument('<id>', 'of the store')
    .addHelpText('after', example('entrepot store revoke dcn0'))
    .action(
      run(async (session: Session, given: string) => {
        const id = parseStoreId(given);
        const store = await (await session.hub()).revokeStore(id);
        session.print({
          text:
            `store ${id} is revoked: its agent is cut off, and nothing is copied to it\n` +
            `let it in again: entrepot store add ${id}\n`,
          json: storeJson(store),
        });
      }),
    );
}
