// Original file: proto/entrepot/v1/stores.proto


export interface ListStoresRequest {
}

export interface ListStoresRequest__Output {
}
