import type { UpdateImageRequest } from '../rpc/generated/entrepot/v1/UpdateImageRequest.ts';
import type { Method } from '../rpc/methods.ts';
import { Images } from '../rpc/proto.ts';
import type { Image, ImageMember } from './wire.ts';

// biome-ignore lint/suspicious/noExplicitAny: the form in which the hub sees a message does not matter here
export type UnaryMethod<Request, Reply> = Method<'unary', Request, any, any, Reply>;

export type Ask = <Request, Reply>(method: UnaryMethod<Request, Reply>, request: Request) => Promise<Reply>;

/** The hub's calls on the records of images, and on whom they are shared with. */
export class RecordCalls {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  update(request: UpdateImageRequest): Promise<Image> {
    return this.#ask(Images.Update, request);
  }

  deactivate(imageId: string): Promise<Image> {
    return this.#ask(Images.Deactivate, { imageId });
  }

  reactivate(imageId: string): Promise<Image> {
    return this.#ask(Images.Reactivate, { imageId });
  }

  addMember(imageId: string, member: string): Promise<ImageMember> {
    return this.#ask(Images.AddMember, { imageId, member });
  }

  async listMembers(imageId: string): Promise<ImageMember[]> {
    return (await this.#ask(Images.ListMembers, { imageId })).members;
  }

  /** An empty name: who asks. */
  setMember(imageId: string, member: string, status: string): Promise<ImageMember> {
    return this.#ask(Images.SetMember, { imageId, member, status });
  }

  removeMember(imageId: string, member: string): Promise<ImageMember> {
    return this.#ask(Images.RemoveMember, { imageId, member });
  }
}
