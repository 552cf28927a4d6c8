/** Messages of the hub as the command line gets them. Types only: costs nothing at start. */
export type { Copy__Output as Copy } from '../rpc/generated/entrepot/v1/Copy.ts';
export type { CopyImageReply__Output as CopyImageReply } from '../rpc/generated/entrepot/v1/CopyImageReply.ts';
export type { Image__Output as Image } from '../rpc/generated/entrepot/v1/Image.ts';
export type { Job__Output as Job } from '../rpc/generated/entrepot/v1/Job.ts';
export type { Location__Output as Location } from '../rpc/generated/entrepot/v1/Location.ts';
export type { Progress__Output as Progress } from '../rpc/generated/entrepot/v1/Progress.ts';
export type { Store__Output as Store } from '../rpc/generated/entrepot/v1/Store.ts';
export type { Task__Output as Task } from '../rpc/generated/entrepot/v1/Task.ts';
