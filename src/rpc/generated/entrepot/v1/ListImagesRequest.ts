// Original file: proto/entrepot/v1/images.proto

import type { Long } from '@grpc/proto-loader';

export interface ListImagesRequest {
  'limit'?: (number);
  'marker'?: (string);
  'name'?: (string);
  'status'?: (string);
  'visibility'?: (string);
  'owner'?: (string);
  'diskFormat'?: (string);
  'containerFormat'?: (string);
  'tags'?: (string)[];
  'osHidden'?: (boolean);
  'protected'?: (boolean);
  'memberStatus'?: (string);
  'properties'?: ({[key: string]: string});
  'sizeMinBytes'?: (number | string | Long);
  'sizeMaxBytes'?: (number | string | Long);
  'storeId'?: (string);
  'sort'?: (string)[];
  '_protected'?: "protected";
  '_sizeMinBytes'?: "sizeMinBytes";
  '_sizeMaxBytes'?: "sizeMaxBytes";
}

export interface ListImagesRequest__Output {
  'limit': (number);
  'marker': (string);
  'name': (string);
  'status': (string);
  'visibility': (string);
  'owner': (string);
  'diskFormat': (string);
  'containerFormat': (string);
  'tags': (string)[];
  'osHidden': (boolean);
  'protected'?: (boolean);
  'memberStatus': (string);
  'properties': ({[key: string]: string});
  'sizeMinBytes'?: (number);
  'sizeMaxBytes'?: (number);
  'storeId': (string);
  'sort': (string)[];
  '_protected'?: "protected";
  '_sizeMinBytes'?: "sizeMinBytes";
  '_sizeMaxBytes'?: "sizeMaxBytes";
}
