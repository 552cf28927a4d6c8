import { createHash } from 'node:crypto';
import type { Image, Job } from '../../../src/cli/wire.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import type { Given } from './run.ts';
import { emptyImage, endedJob, image, job, task } from './samples.ts';

export const importJob = (changes: Partial<Job> = {}) =>
  job({ kind: 'import', tasks: [task({ kind: 'ingest', storeId: 'central' })], ...changes });

/** A hub that takes an image in, as far as a test lets it. What was asked of it is in `asked`. */
export class Intake {
  readonly asked: string[] = [];
  readonly frames: Frame[] = [];
  readonly requests: Record<string, unknown> = {};
  /** What the job has become; whoever watches is told. */
  readonly ended = Promise.withResolvers<Job>();
  /** What whoever watches is told first. */
  changes: Job[] = [importJob()];
  /** What the agent has of the file. */
  has: Buffer = Buffer.alloc(0);
  /** Images that are being uploaded to, and their jobs. */
  uploading: Image[] = [];
  jobs: Job[] = [];
  /** When the agent is ready. Throws when it does not come. */
  beforeReply: () => Promise<void> = async () => {};
  /** Throws when the bytes are not wanted; called before each frame is kept. */
  beforeFrame: (frame: Frame) => Promise<void> = async () => {};
  /** What becomes of the job when all bytes are in. */
  whenIn: () => Promise<void> = async () => {
    this.shown = this.record;
    this.ended.resolve(this.outcome);
  };
  outcome: Job = endedJob({ kind: 'import' });
  /** What becomes of an import of what was staged. */
  imported: Job = endedJob({ kind: 'import' });
  record: Image = image();
  /** What the hub shows of it until the bytes are in. */
  shown: Image = emptyImage();

  given(): Given {
    return {
      Images: {
        Create: async (request) => {
          this.#ask('Create', request);
          return emptyImage({ protected: request.protected });
        },
        BeginUpload: async (request) => {
          this.#ask('BeginUpload', request);
          return importJob();
        },
        Stage: async (request) => {
          this.#ask('Stage', request);
          return importJob();
        },
        Import: async (request) => {
          this.#ask('Import', request);
          return this.imported;
        },
        Upload: async (frames, write, { metadata, requestId }) => {
          this.#ask('Upload', { jobId: metadata.get('entrepot-job-id'), requestId });
          await this.beforeReply();
          await write({ before: { sizeBytes: this.has.length, sha512: sha512(this.has) } });
          this.frames.length = 0;
          for await (const frame of frames) {
            await this.beforeFrame(frame);
            this.frames.push({ ...frame, data: Buffer.from(frame.data) });
          }
          if (this.frames.at(-1)?.data.length !== 0) throw new Refusal('CANCELLED', 'the upload was cut');
          await this.whenIn();
          await write({ receivedBytes: 1 });
        },
        List: async (request) => {
          this.requests['List'] = { ...request };
          return { images: this.uploading, nextMarker: '' };
        },
        Get: async () => this.shown,
        Delete: async (request) => {
          this.#ask('Delete', request);
          if (this.record.protected) throw new Refusal('FORBIDDEN', 'the image is protected', { rule: 'R9' });
          return job({ kind: 'delete' });
        },
      },
      Operators: { WhoAmI: async () => ({ subject: 'operator/alice', role: 'member' }) },
      Jobs: {
        List: async ({ imageId }) => ({ jobs: this.jobs.filter((one) => one.imageId === imageId) }),
        Get: async ({ jobId }) => this.jobs.find(({ id }) => id === jobId) ?? importJob(),
        Watch: async (_request, write, { signal }) => {
          for (const change of this.changes) await write(change);
          const left = new Promise<undefined>((resolve) => {
            signal.addEventListener('abort', () => resolve(undefined));
          });
          const ended = await Promise.race([this.ended.promise, left]);
          if (ended !== undefined) await write(ended);
        },
        Cancel: async (request) => {
          this.#ask('Cancel', request);
          this.ended.resolve(endedJob({ kind: 'import', state: 'cancelled' }));
          return importJob({ cancelRequested: true });
        },
      },
    };
  }

  #ask(call: string, request: object): void {
    this.asked.push(call);
    this.requests[call] = { ...request };
  }
}

export function sha512(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex');
}
