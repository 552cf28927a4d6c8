// Original file: proto/entrepot/v1/images.proto

import type { GlanceDirect as _entrepot_v1_GlanceDirect, GlanceDirect__Output as _entrepot_v1_GlanceDirect__Output } from '../../entrepot/v1/GlanceDirect.ts';
import type { WebDownload as _entrepot_v1_WebDownload, WebDownload__Output as _entrepot_v1_WebDownload__Output } from '../../entrepot/v1/WebDownload.ts';
import type { Adopt as _entrepot_v1_Adopt, Adopt__Output as _entrepot_v1_Adopt__Output } from '../../entrepot/v1/Adopt.ts';

export interface ImportRequest {
  'imageId'?: (string);
  'glanceDirect'?: (_entrepot_v1_GlanceDirect | null);
  'webDownload'?: (_entrepot_v1_WebDownload | null);
  'adopt'?: (_entrepot_v1_Adopt | null);
  'storeIds'?: (string)[];
  'allStores'?: (boolean);
  'allStoresMustSucceed'?: (boolean);
  'lane'?: (string);
  'expectedDigests'?: ({[key: string]: string});
  'source'?: "glanceDirect"|"webDownload"|"adopt";
}

export interface ImportRequest__Output {
  'imageId': (string);
  'glanceDirect'?: (_entrepot_v1_GlanceDirect__Output | null);
  'webDownload'?: (_entrepot_v1_WebDownload__Output | null);
  'adopt'?: (_entrepot_v1_Adopt__Output | null);
  'storeIds': (string)[];
  'allStores': (boolean);
  'allStoresMustSucceed': (boolean);
  'lane': (string);
  'expectedDigests': ({[key: string]: string});
  'source'?: "glanceDirect"|"webDownload"|"adopt";
}
