// Original file: proto/entrepot/v1/agents.proto


export interface StagedSource {
}

export interface StagedSource__Output {
}
