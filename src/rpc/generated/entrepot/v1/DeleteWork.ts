// Original file: proto/entrepot/v1/agents.proto


export interface DeleteWork {
}

export interface DeleteWork__Output {
}
