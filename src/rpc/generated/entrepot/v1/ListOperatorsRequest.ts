// Original file: proto/entrepot/v1/operators.proto


export interface ListOperatorsRequest {
}

export interface ListOperatorsRequest__Output {
}
