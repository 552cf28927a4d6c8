// Original file: proto/entrepot/v1/events.proto

import type { Event as _entrepot_v1_Event, Event__Output as _entrepot_v1_Event__Output } from '../../entrepot/v1/Event.ts';

export interface ListEventsReply {
  'events'?: (_entrepot_v1_Event)[];
  'hasMore'?: (boolean);
}

export interface ListEventsReply__Output {
  'events': (_entrepot_v1_Event__Output)[];
  'hasMore': (boolean);
}
