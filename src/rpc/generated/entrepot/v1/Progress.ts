// Original file: proto/entrepot/v1/jobs.proto

import type { Long } from '@grpc/proto-loader';

export interface Progress {
  'phase'?: (string);
  'doneBytes'?: (number | string | Long);
  'totalBytes'?: (number | string | Long);
  'resumedBytes'?: (number | string | Long);
  'holeBytes'?: (number | string | Long);
  'rateBytesPerSecond'?: (number | string);
  'remainingSeconds'?: (number | string);
  'updatedAtMs'?: (number | string | Long);
  'wireBytes'?: (number | string | Long);
  'compression'?: (string);
  'receivedBytes'?: (number | string | Long);
  '_rateBytesPerSecond'?: "rateBytesPerSecond";
  '_remainingSeconds'?: "remainingSeconds";
}

export interface Progress__Output {
  'phase': (string);
  'doneBytes': (number);
  'totalBytes': (number);
  'resumedBytes': (number);
  'holeBytes': (number);
  'rateBytesPerSecond'?: (number);
  'remainingSeconds'?: (number);
  'updatedAtMs': (number);
  'wireBytes': (number);
  'compression': (string);
  'receivedBytes': (number);
  '_rateBytesPerSecond'?: "rateBytesPerSecond";
  '_remainingSeconds'?: "remainingSeconds";
}
