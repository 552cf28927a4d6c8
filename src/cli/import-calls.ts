import type { ExamineAdoptReply } from '../rpc/generated/entrepot/v1/ExamineAdoptReply.ts';
import type { ExamineAdoptRequest } from '../rpc/generated/entrepot/v1/ExamineAdoptRequest.ts';
import type { ImportRequest } from '../rpc/generated/entrepot/v1/ImportRequest.ts';
import type { StageRequest } from '../rpc/generated/entrepot/v1/StageRequest.ts';
import { Images } from '../rpc/proto.ts';
import type { Ask } from './record-calls.ts';
import type { Job } from './wire.ts';

export interface UploadStart {
  readonly imageId: string;
  readonly storeId: string;
  readonly sizeBytes: number;
  readonly storeIds: readonly string[];
  readonly allStores: boolean;
  readonly allStoresMustSucceed: boolean;
  /** `normal` when left out. */
  readonly lane?: string;
}

/** The hub's calls by which images come in. The bytes of an upload go by a call of their own. */
export class ImportCalls {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  beginUpload({ storeIds, ...rest }: UploadStart): Promise<Job> {
    const request = { ...rest, storeIds: [...storeIds] };
    return this.#ask(Images.BeginUpload, request);
  }

  stage(request: StageRequest): Promise<Job> {
    return this.#ask(Images.Stage, request);
  }

  begin(request: ImportRequest): Promise<Job> {
    return this.#ask(Images.Import, request);
  }

  /** What adopting an image would do. */
  examineAdopt(request: ExamineAdoptRequest): Promise<ExamineAdoptReply> {
    return this.#ask(Images.ExamineAdopt, request);
  }

  /** Whole images of a store that the catalogue does not know. */
  async *listAdoptable(storeId: string): AsyncGenerator<string> {
    for (let marker = ''; ; ) {
      const { imageIds, nextMarker } = await this.#ask(Images.ListAdoptable, { storeId, marker });
      yield* imageIds;
      if (nextMarker === '' || nextMarker === marker) return;
      marker = nextMarker;
    }
  }
}
