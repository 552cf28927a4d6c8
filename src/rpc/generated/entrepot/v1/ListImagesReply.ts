// Original file: proto/entrepot/v1/images.proto

import type { Image as _entrepot_v1_Image, Image__Output as _entrepot_v1_Image__Output } from '../../entrepot/v1/Image.ts';

export interface ListImagesReply {
  'images'?: (_entrepot_v1_Image)[];
  'nextMarker'?: (string);
}

export interface ListImagesReply__Output {
  'images': (_entrepot_v1_Image__Output)[];
  'nextMarker': (string);
}
