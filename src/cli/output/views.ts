import type { Copy, Image, ImageMember, Job, Location, Store } from '../wire.ts';
import { jobState } from './pace.ts';
import { jobLines, lineText, placeWords } from './progress.ts';
import { fields, table } from './table.ts';
import { jobTrafficWords } from './traffic.ts';
import { formatBytes, formatDuration, formatRate, formatTime, percentOf } from './units.ts';

/** `central` first, then by name, as the hub lists them. */
export function storesTable(stores: readonly Store[]): string {
  return table(
    [
      { header: 'STORE' },
      { header: 'ROLE' },
      { header: 'DRIVER' },
      { header: 'STATE' },
      { header: 'SINCE' },
      { header: 'RATE' },
      { header: 'COPIES', align: 'right' },
      { header: 'FREE', align: 'right' },
      { header: 'SIZE', align: 'right' },
      { header: 'POOL' },
      { header: 'FSID' },
    ],
    stores.map((store) => [
      store.id,
      store.role,
      store.driver || '-',
      storeState(store),
      formatTime(store.online ? store.onlineSinceMs : store.lastSeenMs) || 'never',
      store.rate || 'off',
      String(store.presentCopies),
      bytesOrDash(store.freeBytes),
      bytesOrDash(store.totalBytes),
      store.pool || '-',
      store.fsid || '-',
    ]),
  );
}

function storeState({ revoked, online, paused }: Store): string {
  if (revoked) return 'revoked';
  return `${online ? 'online' : 'away'}${paused ? ' (paused)' : ''}`;
}

export function imagesTable(images: readonly Image[], withStores: boolean): string {
  return table(
    [
      { header: 'ID' },
      { header: 'NAME' },
      { header: 'STATUS' },
      { header: 'SIZE', align: 'right' },
      { header: 'DATA', align: 'right' },
      { header: 'STORES' },
    ],
    images.map((image) => [
      image.id,
      image.name,
      image.status,
      bytesOrDash(image.sizeBytes),
      bytesOrDash(image.dataBytes),
      withStores ? image.copies.map(copyWords).join(', ') || '-' : String(presentCount(image)),
    ]),
  );
}

function presentCount(image: Image): number {
  return image.copies.filter((copy) => copy.state === 'present').length;
}

/** `dcn0`, or `dcn0 (copying 50%)` when it is not a whole copy. */
function copyWords(copy: Copy): string {
  if (copy.state === 'present') return copy.storeId;
  const { progress } = copy;
  const percent = progress === null ? undefined : percentOf(progress.doneBytes, progress.totalBytes);
  return `${copy.storeId} (${copy.state}${percent === undefined ? '' : ` ${percent}%`})`;
}

/** The whole record, then its copies. */
export function imageText(image: Image): string {
  const record = fields([
    ['id', image.id],
    ['name', image.name],
    ['status', image.status],
    ['visibility', image.visibility],
    ['owner', image.owner],
    ['protected', yesNo(image.protected)],
    ['hidden', yesNo(image.osHidden)],
    ['disk format', image.diskFormat],
    ['container format', image.containerFormat],
    ['size', exactBytes(image.sizeBytes)],
    ['virtual size', exactBytes(image.virtualSizeBytes)],
    ['data', exactBytes(image.dataBytes)],
    ['staged', exactBytes(image.stagedBytes)],
    ['min disk', image.minDiskGib > 0 ? `${image.minDiskGib} GiB` : ''],
    ['min ram', image.minRamMib > 0 ? `${image.minRamMib} MiB` : ''],
    ['checksum', image.checksum],
    ['os_hash_algo', image.osHashAlgo],
    ['os_hash_value', image.osHashValue],
    ['root', image.root],
    ['tags', image.tags.join(', ')],
    ...Object.entries(image.properties)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [`property ${key}`, value] as const),
    ['created', formatTime(image.createdAtMs)],
    ['updated', formatTime(image.updatedAtMs)],
    ['os_glance_importing_to_stores', image.osGlanceImportingToStores.join(', ')],
    ['os_glance_failed_import', image.osGlanceFailedImport.join(', ')],
    ...image.propertyWarnings.map((warning) => ['warning', warning] as const),
  ]);
  return image.copies.length === 0 ? record : `${record}\n${copiesTable(image.copies)}`;
}

function copiesTable(copies: readonly Copy[]): string {
  return table(
    [
      { header: 'STORE' },
      { header: 'STATE' },
      { header: 'PHASE' },
      { header: 'DONE', align: 'right' },
      { header: 'RATE', align: 'right' },
      { header: 'LEFT', align: 'right' },
      { header: 'VERIFIED' },
      { header: 'REASON' },
    ],
    copies.map(({ progress, ...copy }) => [
      copy.storeId,
      copy.state,
      progress?.phase ?? '',
      percentWords(progress?.doneBytes ?? 0, progress?.totalBytes ?? 0),
      formatRate(progress?.rateBytesPerSecond),
      progress?.remainingSeconds === undefined ? '' : formatDuration(progress.remainingSeconds),
      formatTime(copy.verifiedAtMs),
      copy.reason,
    ]),
  );
}

export function membersTable(members: readonly ImageMember[]): string {
  return table(
    [{ header: 'MEMBER' }, { header: 'STATUS' }, { header: 'SINCE' }],
    members.map((one) => [one.member, one.status, formatTime(one.updatedAtMs)]),
  );
}

export function locationsTable(locations: readonly Location[]): string {
  return table(
    [{ header: 'STORE' }, { header: 'VERIFIED' }, { header: 'URL' }],
    locations.map((location) => [location.storeId, formatTime(location.verifiedAtMs), location.url]),
  );
}

export function jobsTable(jobs: readonly Job[]): string {
  return table(
    [
      { header: 'ID' },
      { header: 'KIND' },
      { header: 'IMAGE' },
      { header: 'STATE' },
      { header: 'PLACE', align: 'right' },
      { header: 'LANE' },
      { header: 'RATE' },
      { header: 'STORES' },
      { header: 'CREATED' },
      { header: 'REASON' },
    ],
    jobs.map((job) => [
      job.id,
      job.kind,
      job.imageId,
      jobState(job),
      job.place > 0 ? String(job.place) : '-',
      job.lane,
      job.rate || 'off',
      job.storeIds.join(', ') || '-',
      formatTime(job.createdAtMs),
      job.reason,
    ]),
  );
}

/** The job, what is before it, and a line per store. */
export function jobText(job: Job): string {
  const record = fields([
    ['id', job.id],
    ['kind', job.kind],
    ['image', job.imageId],
    ['state', jobState(job)],
    ['place', job.place > 0 ? placeWords(job) : ''],
    ['reason', job.reason],
    ['reason code', job.reasonCode],
    ['lane', job.lane],
    ['rate', job.rate],
    ['stores', job.storeIds.join(', ')],
    ['traffic', jobTrafficWords(job)],
    ['requested by', job.requestedBy],
    ['request id', job.requestId],
    ['created', formatTime(job.createdAtMs)],
    ['started', formatTime(job.startedAtMs)],
    ['ended', formatTime(job.endedAtMs)],
  ]);
  if (job.tasks.length === 0) return record;
  return `${record}\n${jobLines(job)
    .map((line) => `${lineText(line)}\n`)
    .join('')}`;
}

function bytesOrDash(bytes: number | undefined): string {
  return bytes === undefined ? '-' : formatBytes(bytes);
}

/** `256 MiB (268435456 bytes)`: the exact figure is what one compares. */
function exactBytes(bytes: number | undefined): string {
  return bytes === undefined ? '' : `${formatBytes(bytes)} (${bytes} bytes)`;
}

function percentWords(doneBytes: number, totalBytes: number): string {
  const percent = percentOf(doneBytes, totalBytes);
  return percent === undefined ? '' : `${percent}% of ${formatBytes(totalBytes)}`;
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
