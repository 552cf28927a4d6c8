// Original file: proto/entrepot/v1/images.proto


export interface SetMemberRequest {
  'imageId'?: (string);
  'member'?: (string);
  'status'?: (string);
}

export interface SetMemberRequest__Output {
  'imageId': (string);
  'member': (string);
  'status': (string);
}
