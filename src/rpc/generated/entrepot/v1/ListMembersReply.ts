// Original file: proto/entrepot/v1/images.proto

import type { ImageMember as _entrepot_v1_ImageMember, ImageMember__Output as _entrepot_v1_ImageMember__Output } from '../../entrepot/v1/ImageMember.ts';

export interface ListMembersReply {
  'members'?: (_entrepot_v1_ImageMember)[];
}

export interface ListMembersReply__Output {
  'members': (_entrepot_v1_ImageMember__Output)[];
}
