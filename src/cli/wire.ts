/** Messages of the hub as the command line gets them. Types only: costs nothing at start. */
export type { AddStoreReply__Output as AddStoreReply } from '../rpc/generated/entrepot/v1/AddStoreReply.ts';
export type { Copy__Output as Copy } from '../rpc/generated/entrepot/v1/Copy.ts';
export type { CopyImageReply__Output as CopyImageReply } from '../rpc/generated/entrepot/v1/CopyImageReply.ts';
export type { Credential__Output as Credential } from '../rpc/generated/entrepot/v1/Credential.ts';
export type { Event__Output as Event } from '../rpc/generated/entrepot/v1/Event.ts';
export type { Image__Output as Image } from '../rpc/generated/entrepot/v1/Image.ts';
export type { ImageMember__Output as ImageMember } from '../rpc/generated/entrepot/v1/ImageMember.ts';
export type { IssuedCertificate__Output as IssuedCertificate } from '../rpc/generated/entrepot/v1/IssuedCertificate.ts';
export type { IssuedToken__Output as IssuedToken } from '../rpc/generated/entrepot/v1/IssuedToken.ts';
export type { Job__Output as Job } from '../rpc/generated/entrepot/v1/Job.ts';
export type { Location__Output as Location } from '../rpc/generated/entrepot/v1/Location.ts';
export type { Operator__Output as Operator } from '../rpc/generated/entrepot/v1/Operator.ts';
export type { Progress__Output as Progress } from '../rpc/generated/entrepot/v1/Progress.ts';
export type { Store__Output as Store } from '../rpc/generated/entrepot/v1/Store.ts';
export type { Task__Output as Task } from '../rpc/generated/entrepot/v1/Task.ts';
export type { UploadReply__Output as UploadReply } from '../rpc/generated/entrepot/v1/UploadReply.ts';
export type { WhoAmIReply__Output as WhoAmIReply } from '../rpc/generated/entrepot/v1/WhoAmIReply.ts';
