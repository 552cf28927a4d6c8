// Original file: proto/entrepot/v1/agents.proto


export interface RenewedTicket {
  'taskId'?: (string);
  'attempt'?: (number);
  'ticket'?: (string);
}

export interface RenewedTicket__Output {
  'taskId': (string);
  'attempt': (number);
  'ticket': (string);
}
