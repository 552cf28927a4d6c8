// Original file: proto/entrepot/v1/images.proto


export interface Adopt {
  'storeId'?: (string);
  'pool'?: (string);
  'image'?: (string);
  'move'?: (boolean);
}

export interface Adopt__Output {
  'storeId': (string);
  'pool': (string);
  'image': (string);
  'move': (boolean);
}
