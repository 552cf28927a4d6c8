import type { Command } from 'commander';
import { parseUuid } from '../../domain/ids.ts';
import { example } from '../options.ts';
import { imageJson } from '../output/json.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

/** `deactivate` and `reactivate`. */
export function registerImageDeactivate(parent: Command, run: Run): void {
  const commands = [
    ['deactivate', 'hold an image back: no new copies, and no downloads but by an admin; for admins'],
    ['reactivate', 'let an image that was deactivated go again; for admins'],
  ] as const;
  for (const [verb, description] of commands) {
    parent
      .command(verb)
      .description(description)
      .argument('<image-id>', 'its UUID')
      .addHelpText('after', example(`entrepot image ${verb} 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10`))
      .action(
        run(async (session: Session, id: string) => {
          const imageId = parseUuid(id);
          const image = await (await session.hub()).records[verb](imageId);
          session.print({ text: `image ${image.id} is ${image.status}\n`, json: imageJson(image) });
        }),
      );
  }
}
