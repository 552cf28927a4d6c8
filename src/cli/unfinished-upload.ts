import { Refusal } from '../domain/refusal.ts';
import { refusalOf } from '../transfer/in-flight.ts';
import { isAtWork } from './entry-task.ts';
import type { HubConnection } from './hub-connection.ts';
import { Interruption } from './interruption.ts';
import type { LocalImage } from './local-image.ts';
import { type ProgressPrinter, uploadLine } from './output/progress.ts';
import type { Session } from './session.ts';
import { shellWord } from './shell-word.ts';
import { type BytesBefore, beginsWith, type LookedInto, UploadCall } from './upload-call.ts';
import { isStillOpen } from './upload-sending.ts';
import type { Image, Job } from './wire.ts';

/** Of a name that somebody uploads to again and again, so many images are looked at. */
const MAX_IMAGES = 10;

/** An agent that is not at work on it by then may be away for days: a new image is not held up by it any longer. */
const LOOK_MS = 5000;

/** What an earlier run left, and a file goes on with. */
export class Unfinished implements AsyncDisposable {
  readonly imageId: string;
  /** Waits for the rest of the file. Undefined: all of it is staged, and only its import is missing. */
  readonly job: Job | undefined;
  /** Where its bytes were compared already. */
  readonly looked: LookedInto | undefined;

  constructor(imageId: string, job?: Job, looked?: LookedInto) {
    this.imageId = imageId;
    this.job = job;
    this.looked = looked;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.looked?.call[Symbol.asyncDispose]();
  }
}

/**
 * What there is of this file as an image: all of it is staged, or a job waits for its bytes. CONFLICT when one waits for
 * those of another size; whether they are of the same file, the upload itself finds out.
 */
export async function unfinishedOf(
  session: Session,
  imageId: string,
  source: LocalImage,
): Promise<Unfinished | undefined> {
  const hub = await session.hub();
  const job = await jobThatWaits(hub, imageId);
  if (job === undefined) {
    const staged = new StagedLook(source, (sentence) => session.progress().note(sentence));
    const isWhole = await staged.isOf(await hub.getImage(imageId));
    return isWhole ? new Unfinished(imageId) : undefined;
  }
  if (job.uploadBytes === source.sizeBytes) return new Unfinished(imageId, job);
  throw new Refusal(
    'CONFLICT',
    `image ${imageId} waits for the rest of a file of ${job.uploadBytes} bytes, and ${source.path} has ${source.sizeBytes}`,
    { hint: `\`entrepot job cancel ${job.id}\` gives that upload up` },
  );
}

/** The same where the image is somebody's own and may not be there at all. `owner`: yourself when left out. */
export async function unfinishedOfOwn(
  session: Session,
  imageId: string,
  source: LocalImage,
  owner?: string,
): Promise<Unfinished | undefined> {
  const hub = await session.hub();
  const image = await hub.getImage(imageId).catch((error: unknown) => {
    if (Refusal.from(error).code === 'NOT_FOUND') return undefined;
    throw error;
  });
  if (image?.status !== 'uploading' || image.owner !== (owner ?? (await ownName(hub)))) return undefined;
  return await unfinishedOf(session, imageId, source);
}

/**
 * The first of an owner's images of this name of which the beginning of this file is there already. Others are left as they
 * are: those without bytes, of another file, or that somebody is at. One whose agent does not answer is noted.
 */
export async function unfinishedByName(
  session: Session,
  source: LocalImage,
  { name, owner, hidden }: { readonly name: string; readonly owner?: string; readonly hidden?: true },
): Promise<Unfinished | undefined> {
  const hub = await session.hub();
  const wanted = {
    name,
    status: 'uploading',
    owner: owner ?? (await ownName(hub)),
    osHidden: hidden === true,
  };
  using interruption = new Interruption();
  const printer = session.progress();
  const look = new Look(hub, source, printer, interruption.signal);
  const staged = new StagedLook(source, (sentence) => printer.note(sentence), interruption.signal);
  try {
    for await (const image of hub.listImages(MAX_IMAGES, wanted)) {
      const job = await jobThatWaits(hub, image.id);
      if (job === undefined) {
        if (await staged.isOf(image)) return new Unfinished(image.id);
        continue;
      }
      const looked = job.uploadBytes === source.sizeBytes ? await look.into(job) : undefined;
      if (looked !== undefined) return new Unfinished(image.id, job, looked);
    }
    return undefined;
  } catch (error) {
    throw interruption.explain(error, 'interrupted; nothing was begun');
  } finally {
    printer.stop();
  }
}

/** That nothing is begun anew. `more`: what else is not as in a first run. */
export function tellGoingOn(session: Session, { job, imageId }: Unfinished, more = ''): void {
  const also = more === '' ? '' : `; ${more}`;
  const what =
    job === undefined
      ? `goes on with image ${imageId}: all of the file is staged`
      : `goes on with job ${job.id} (${job.kind}), as it was begun`;
  session.progress().note(`${what}${also}`);
}

async function ownName(hub: HubConnection): Promise<string> {
  return (await hub.whoAmI()).subject.replace(/^operator\//, '');
}

/** The oldest one: that is what an agent has bytes of. */
async function jobThatWaits(hub: HubConnection, imageId: string): Promise<Job | undefined> {
  const jobs = await hub.listJobs({ imageId });
  return jobs.findLast(({ uploadBytes }) => uploadBytes !== undefined);
}

/** Compares a file with what is staged whole, and waits to be imported. It is read once, for however many images. */
class StagedLook {
  readonly #source: LocalImage;
  readonly #note: (sentence: string) => void;
  readonly #signal: AbortSignal;
  #sha512: Promise<string> | undefined;

  constructor(source: LocalImage, note: (sentence: string) => void, signal = new AbortController().signal) {
    this.#source = source;
    this.#note = note;
    this.#signal = signal;
  }

  /** Rejects as LocalImage.sha512 does. */
  async isOf({ status, stagedBytes, stagedSha512 }: Image): Promise<boolean> {
    if (status !== 'uploading' || stagedBytes !== this.#source.sizeBytes) return false;
    this.#sha512 ??= this.#digest();
    return (await this.#sha512) === stagedSha512;
  }

  async #digest(): Promise<string> {
    const { path, sizeBytes } = this.#source;
    this.#note(`compares ${path} with what is staged`);
    return await this.#source.sha512(sizeBytes, { signal: this.#signal, onProgress: () => {} });
  }
}

/** Asks the agents what they have. A job that was looked into waits as before. */
class Look {
  readonly #hub: HubConnection;
  readonly #source: LocalImage;
  readonly #printer: ProgressPrinter;
  readonly #signal: AbortSignal;

  constructor(hub: HubConnection, source: LocalImage, printer: ProgressPrinter, signal: AbortSignal) {
    this.#hub = hub;
    this.#source = source;
    this.#printer = printer;
    this.#signal = signal;
  }

  /** The open call when the file begins with what is there. Rejects when the file cannot be read, or at Ctrl-C. */
  async into(job: Job): Promise<LookedInto | undefined> {
    const call = UploadCall.open(this.#hub, job.id);
    const onAbort = () => call.abort(refusalOf(this.#signal));
    this.#signal.addEventListener('abort', onAbort);
    let looked: LookedInto | undefined;
    try {
      const before = await this.#before(call, job);
      if (before !== undefined && (await this.#fits(before, job))) looked = { call, before };
      return looked;
    } finally {
      this.#signal.removeEventListener('abort', onAbort);
      if (looked === undefined) await call[Symbol.asyncDispose]();
    }
  }

  async #before(call: UploadCall, job: Job): Promise<BytesBefore | undefined> {
    this.#show(job, 'waiting', 0, 0);
    const giveUp = () => call.abort(new Refusal('UNAVAILABLE', 'its agent does not answer'));
    const look = () => {
      // It reads all it has before it answers.
      this.#hub
        .getJob(job.id)
        .then((now) => (isAtWork(now) ? this.#show(now, 'waiting', 0, 0) : giveUp()), giveUp);
    };
    const timer = setInterval(look, LOOK_MS);
    try {
      return await call.before();
    } catch (error) {
      if (this.#signal.aborted) throw error;
      const failure = Refusal.from(error);
      if (!isStillOpen(failure)) this.#printer.note(this.#notLookedAt(job, failure));
      return undefined;
    } finally {
      clearInterval(timer);
    }
  }

  async #fits(before: BytesBefore, job: Job): Promise<boolean> {
    // Nothing of it is anybody's; and with nothing to compare it could be that of any file.
    if (before.sizeBytes === 0) return false;
    const onProgress = (doneBytes: number) => this.#show(job, 'comparing', doneBytes, before.sizeBytes);
    return await beginsWith(this.#source, before, { signal: this.#signal, onProgress });
  }

  #show(job: Job, phase: string, doneBytes: number, totalBytes: number): void {
    this.#printer.show({ job, lines: [uploadLine(phase, doneBytes, totalBytes)] });
  }

  #notLookedAt({ imageId }: Job, { message }: Refusal): string {
    const goesOn = `entrepot image upload ${imageId} --file ${shellWord(this.#source.path)}`;
    return `image ${imageId} has an unfinished upload of the same size that could not be looked at: ${message}; \`${goesOn}\` goes on with it`;
  }
}
