// Original file: proto/entrepot/v1/operators.proto

import type { Long } from '@grpc/proto-loader';

export interface Credential {
  'id'?: (string);
  'kind'?: (string);
  'createdAtMs'?: (number | string | Long);
  'expiresAtMs'?: (number | string | Long);
  'revokedAtMs'?: (number | string | Long);
}

export interface Credential__Output {
  'id': (string);
  'kind': (string);
  'createdAtMs': (number);
  'expiresAtMs': (number);
  'revokedAtMs': (number);
}
