import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Event } from '../catalogue/events.ts';
import { parseStoreId, parseUuid } from '../domain/ids.ts';
import type { Rights } from '../rpc/caller.ts';
import type { Event as WireEvent } from '../rpc/generated/entrepot/v1/Event.ts';
import type { Handlers } from '../rpc/handlers.ts';
import type { EventsService } from '../rpc/proto.ts';
import { pageLimit } from './page-limit.ts';

export const EVENTS_RIGHTS: Rights<EventsService> = { List: 'audit' };

/** proto/entrepot/v1/events.proto. */
export function eventsService(catalogue: Catalogue): Handlers<EventsService> {
  return {
    List: async ({ sinceMs, imageId, storeId, actor, afterSequence, limit: asked }) => {
      const limit = pageLimit(asked);
      const found = catalogue.events.list({
        sinceMs: sinceMs || undefined,
        imageId: imageId === '' ? undefined : parseUuid(imageId),
        storeId: storeId === '' ? undefined : parseStoreId(storeId),
        actor: actor || undefined,
        afterSequence: afterSequence || undefined,
        // One more than is shown tells whether there are more.
        limit: limit + 1,
      });
      return { events: found.slice(0, limit).map(eventMessage), hasMore: found.length > limit };
    },
  };
}

function eventMessage(event: Event): WireEvent {
  const { sequence, atMs, kind, actor, peer, outcome, detail } = event;
  return {
    sequence,
    atMs,
    kind,
    actor,
    peer,
    requestId: event.requestId ?? '',
    outcome,
    imageId: event.imageId ?? '',
    storeId: event.storeId ?? '',
    jobId: event.jobId ?? '',
    taskId: event.taskId ?? '',
    detailJson: JSON.stringify(detail),
  };
}
