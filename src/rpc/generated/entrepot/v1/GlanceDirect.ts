// Original file: proto/entrepot/v1/images.proto


export interface GlanceDirect {
}

export interface GlanceDirect__Output {
}
