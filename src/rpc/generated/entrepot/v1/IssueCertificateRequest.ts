// Original file: proto/entrepot/v1/operators.proto


export interface IssueCertificateRequest {
  'name'?: (string);
  'certificateRequest'?: (Buffer | Uint8Array | string);
}

export interface IssueCertificateRequest__Output {
  'name': (string);
  'certificateRequest': (Buffer);
}
