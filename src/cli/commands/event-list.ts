import type { Command } from 'commander';
import { parseStoreId, parseUuid } from '../../domain/ids.ts';
import { Refusal } from '../../domain/refusal.ts';
import { parseOperatorName } from '../../trust/identity.ts';
import { durationSeconds, example, wholeNumber } from '../options.ts';
import { eventJson } from '../output/json.ts';
import { eventsTable } from '../output/trust-views.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';
import type { Event } from '../wire.ts';

interface Options {
  /** Milliseconds since the epoch. */
  readonly since?: number;
  readonly image?: string;
  readonly store?: string;
  readonly actor?: string;
  readonly limit?: number;
}

export function registerEventList(parent: Command, run: Run): void {
  parent
    .command('list')
    .description('who changed what, when and from where, and who was refused; oldest first')
    .option('--since <when>', 'a duration back from now, or a time', (text) => parseSince(text, Date.now()))
    .option('--image <id>', 'only of this image', (text) => parseUuid(text))
    .option('--store <id>', 'only of this store', parseStoreId)
    .option('--actor <who>', 'only of this one: alice, operator/alice, store/dcn0, hub', parseActor)
    .option('--limit <count>', 'at most so many; all when left out', wholeNumber('limit', 1))
    .addHelpText(
      'after',
      example(
        'entrepot event list --since 1h',
        'entrepot event list --since 2026-11-21T10:00:00Z --actor alice -o json',
      ),
    )
    .action(
      run(async (session: Session, options: Options) => {
        const { since = 0, image = '', store = '', actor = '', limit = Number.MAX_SAFE_INTEGER } = options;
        const hub = await session.hub();
        const events: Event[] = [];
        const filter = { sinceMs: since, imageId: image, storeId: store, actor };
        for await (const event of hub.listEvents(filter, limit)) events.push(event);
        session.print({ text: eventsTable(events), json: events.map(eventJson) });
      }),
    );
}

/** ISO 8601, also as our tables print it. A time of day says of which zone it is. */
const MOMENT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** `1h` before now, or `2026-11-21T10:00:00Z`, in milliseconds since the epoch; INVALID otherwise. */
export function parseSince(text: string, nowMs: number): number {
  if (/^\d+[a-z]$/.test(text)) return nowMs - durationSeconds('since')(text) * 1000;
  const ms = MOMENT.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  if (ms >= 0) return ms;
  throw new Refusal('INVALID', `since '${text}' is neither a duration nor a time`, {
    hint: 'as in --since 1h, --since 2026-11-21 or --since 2026-11-21T10:00:00Z',
  });
}

/** An operator's bare name, or what stands in the table; INVALID otherwise. */
export function parseActor(text: string): string {
  if (text === 'hub' || text === 'nobody') return text;
  const [kind, name = '', ...rest] = text.includes('/') ? text.split('/') : ['operator', text];
  if (rest.length === 0 && kind === 'operator') return `operator/${parseOperatorName(name)}`;
  if (rest.length === 0 && kind === 'store') return `store/${parseStoreId(name)}`;
  throw new Refusal('INVALID', `actor '${text}' is not valid`, {
    hint: 'as in --actor alice, --actor operator/alice, --actor store/dcn0 or --actor hub',
  });
}
