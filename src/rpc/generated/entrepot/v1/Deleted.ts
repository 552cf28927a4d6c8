// Original file: proto/entrepot/v1/agents.proto


export interface Deleted {
}

export interface Deleted__Output {
}
