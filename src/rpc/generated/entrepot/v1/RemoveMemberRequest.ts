// Original file: proto/entrepot/v1/images.proto


export interface RemoveMemberRequest {
  'imageId'?: (string);
  'member'?: (string);
}

export interface RemoveMemberRequest__Output {
  'imageId': (string);
  'member': (string);
}
