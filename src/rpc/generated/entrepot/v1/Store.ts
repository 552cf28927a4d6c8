// Original file: proto/entrepot/v1/stores.proto

import type { Long } from '@grpc/proto-loader';

export interface Store {
  'id'?: (string);
  'role'?: (string);
  'driver'?: (string);
  'fsid'?: (string);
  'pool'?: (string);
  'online'?: (boolean);
  'onlineSinceMs'?: (number | string | Long);
  'lastSeenMs'?: (number | string | Long);
  'presentCopies'?: (number | string | Long);
  'freeBytes'?: (number | string | Long);
  'totalBytes'?: (number | string | Long);
  'agentVersion'?: (string);
  'revoked'?: (boolean);
  'certificateExpiresAtMs'?: (number | string | Long);
  'rate'?: (string);
  'paused'?: (boolean);
  '_freeBytes'?: "freeBytes";
  '_totalBytes'?: "totalBytes";
}

export interface Store__Output {
  'id': (string);
  'role': (string);
  'driver': (string);
  'fsid': (string);
  'pool': (string);
  'online': (boolean);
  'onlineSinceMs': (number);
  'lastSeenMs': (number);
  'presentCopies': (number);
  'freeBytes'?: (number);
  'totalBytes'?: (number);
  'agentVersion': (string);
  'revoked': (boolean);
  'certificateExpiresAtMs': (number);
  'rate': (string);
  'paused': (boolean);
  '_freeBytes'?: "freeBytes";
  '_totalBytes'?: "totalBytes";
}
