// Original file: proto/entrepot/v1/enrolment.proto


export interface JoinRequest {
  'token'?: (string);
  'certificateRequest'?: (Buffer | Uint8Array | string);
}

export interface JoinRequest__Output {
  'token': (string);
  'certificateRequest': (Buffer);
}
