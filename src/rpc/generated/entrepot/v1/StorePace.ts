// Original file: proto/entrepot/v1/agents.proto


export interface StorePace {
  'storeId'?: (string);
  'rate'?: (string);
  'paused'?: (boolean);
}

export interface StorePace__Output {
  'storeId': (string);
  'rate': (string);
  'paused': (boolean);
}
