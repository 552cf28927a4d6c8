// Original file: proto/entrepot/v1/enrolment.proto

import type { Long } from '@grpc/proto-loader';

export interface IssuedCertificate {
  'certificate'?: (string);
  'authorities'?: (string);
  'expiresAtMs'?: (number | string | Long);
  'subject'?: (string);
}

export interface IssuedCertificate__Output {
  'certificate': (string);
  'authorities': (string);
  'expiresAtMs': (number);
  'subject': (string);
}
