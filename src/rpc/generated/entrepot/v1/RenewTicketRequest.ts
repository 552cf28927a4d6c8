// Original file: proto/entrepot/v1/transfer.proto


export interface RenewTicketRequest {
  'ticket'?: (string);
}

export interface RenewTicketRequest__Output {
  'ticket': (string);
}
