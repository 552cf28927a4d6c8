// Original file: proto/entrepot/v1/images.proto


export interface AddMemberRequest {
  'imageId'?: (string);
  'member'?: (string);
}

export interface AddMemberRequest__Output {
  'imageId': (string);
  'member': (string);
}
