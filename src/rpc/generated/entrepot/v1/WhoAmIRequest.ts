// Original file: proto/entrepot/v1/operators.proto


export interface WhoAmIRequest {
}

export interface WhoAmIRequest__Output {
}
