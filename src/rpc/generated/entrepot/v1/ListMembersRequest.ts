// Original file: proto/entrepot/v1/images.proto


export interface ListMembersRequest {
  'imageId'?: (string);
}

export interface ListMembersRequest__Output {
  'imageId': (string);
}
