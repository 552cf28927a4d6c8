// Original file: proto/entrepot/v1/images.proto


export interface ListAdoptableReply {
  'imageIds'?: (string)[];
  'nextMarker'?: (string);
}

export interface ListAdoptableReply__Output {
  'imageIds': (string)[];
  'nextMarker': (string);
}
