import { DEFAULT_LANE } from '../domain/lane.ts';
import { isOpaque } from '../image/entry.ts';
import { JobEndedError } from './exit-codes.ts';
import { requireSucceeded, waitForJob } from './follow.ts';
import type { LocalImage } from './local-image.ts';
import { imageJson, jobJson } from './output/json.ts';
import { jobHeading, type ProgressPrinter } from './output/progress.ts';
import { imageText } from './output/views.ts';
import type { Session } from './session.ts';
import { shellWord } from './shell-word.ts';
import type { Unfinished } from './unfinished-upload.ts';
import type { Job } from './wire.ts';

/** Which stores an import fills, as commands take it. */
export interface ImportTargets {
  readonly stores?: readonly string[];
  readonly allStores?: true;
  readonly allStoresMustSucceed?: true;
  readonly allowFailure?: boolean;
  readonly lane: string;
}

/** Where the data comes from and goes to, as `image create` and `image upload` both take it. */
export interface FileImportOptions extends ImportTargets {
  readonly file: string;
  readonly store?: string;
  /** Of an image that is made for the file. */
  readonly containerFormat?: string;
}

/** The same in the words of the hub. */
export function targetsOf(options: ImportTargets) {
  return {
    storeIds: [...(options.stores ?? [])],
    allStores: options.allStores === true,
    allStoresMustSucceed: options.allStoresMustSucceed === true || options.allowFailure === false,
    lane: options.lane,
  };
}

/** Which image a file is brought in to be. */
export interface Entry {
  readonly imageId: string;
  /** What an earlier run left of this image; then its job goes on, as it was begun. */
  readonly unfinished: Unfinished | undefined;
  /** As for `uploadFile`, and when the file is refused. */
  readonly onAbandoned: (printer: ProgressPrinter) => Promise<void>;
}

/**
 * Brings a local file in, whatever its format: raw bytes straight into the store, anything else by way of staging.
 * Follows it to its end, and prints the image.
 */
export async function bringIn(
  session: Session,
  source: LocalImage,
  options: FileImportOptions,
  entry: Entry,
): Promise<void> {
  const job = (await isStaged(source, options, entry))
    ? await viaStaging(session, source, options, entry)
    : await upload(session, source, options, entry);
  const image = await (await session.hub()).getImage(entry.imageId);
  session.print({
    text: `${imageText(image)}\n${jobHeading(job)}\n`,
    json: { image: imageJson(image), job: jobJson(job) },
  });
  requireSucceeded(job);
}

/** The command that goes on with an upload to an image, to be pasted into a shell. */
export function uploadCommand(imageId: string, options: FileImportOptions): string {
  const { storeIds, allStores, allStoresMustSucceed, lane } = targetsOf(options);
  const words = ['entrepot image upload', imageId, '--file', shellWord(options.file)];
  if (options.store !== undefined) words.push('--store', options.store);
  // What was staged is imported by the command that goes on, and that has to know where to.
  if (storeIds.length > 0) words.push('--stores', storeIds.join(','));
  if (allStores) words.push('--all-stores');
  if (allStoresMustSucceed) words.push('--all-stores-must-succeed');
  if (lane !== DEFAULT_LANE) words.push('--lane', lane);
  return words.join(' ');
}

async function isStaged(
  source: LocalImage,
  options: FileImportOptions,
  { unfinished }: Entry,
): Promise<boolean> {
  if (unfinished !== undefined) return unfinished.job === undefined || unfinished.job.kind === 'stage';
  return !isOpaque(options.containerFormat ?? '') && !(await source.format()).isKept;
}

async function upload(
  session: Session,
  source: LocalImage,
  options: FileImportOptions,
  { imageId, unfinished, onAbandoned }: Entry,
): Promise<Job> {
  const { uploadFile } = await import('./upload.ts');
  const hub = await session.hub();
  const { store: storeId = '' } = options;
  const start = { imageId, storeId, sizeBytes: source.sizeBytes, ...targetsOf(options) };
  return await uploadFile(session, source, {
    begin: () => hub.imports.beginUpload(start),
    unfinished,
    goesOnBy: uploadCommand(imageId, options),
    onAbandoned,
  });
}

async function viaStaging(
  session: Session,
  source: LocalImage,
  options: FileImportOptions,
  entry: Entry,
): Promise<Job> {
  const { imageId, unfinished, onAbandoned } = entry;
  const hub = await session.hub();
  const isWhole = unfinished !== undefined && unfinished.job === undefined;
  if (!isWhole) await stage(session, source, options, entry);
  const job = await hub.imports.begin({ imageId, glanceDirect: {}, ...targetsOf(options) });
  const ended = await waitForJob(session, job);
  if (ended.state === 'failed' || ended.state === 'cancelled') {
    const printer = session.progress();
    await onAbandoned(printer).finally(() => printer.stop());
    throw new JobEndedError(ended);
  }
  return ended;
}

async function stage(
  session: Session,
  source: LocalImage,
  options: FileImportOptions,
  { imageId, unfinished, onAbandoned }: Entry,
): Promise<void> {
  const { uploadFile } = await import('./upload.ts');
  const hub = await session.hub();
  const { store: storeId = '', lane } = options;
  const staged = await uploadFile(session, source, {
    begin: () => hub.imports.stage({ imageId, storeId, sizeBytes: source.sizeBytes, lane }),
    unfinished,
    goesOnBy: uploadCommand(imageId, options),
    onAbandoned,
  });
  if (staged.state !== 'succeeded') throw new JobEndedError(staged);
}
