import type { Cloud } from './cloud.ts';

/** Of `entrepot image show ID -o json`, what the tests look at. */
export interface ShownImage {
  readonly id: string;
  readonly status: string;
  readonly size_bytes: number | null;
  readonly root: string | null;
  readonly checksum: string | null;
  readonly os_hash_value: string | null;
  readonly copies: readonly {
    readonly store_id: string;
    readonly state: string;
    readonly reason: string | null;
    readonly verified_root: string | null;
    readonly progress: { readonly phase: string; readonly done_bytes: number } | null;
  }[];
}

export interface ShownJob {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly reason: string | null;
  readonly reason_code: string | null;
  readonly place: number;
}

export async function image(cloud: Cloud, id: string): Promise<ShownImage> {
  return cloud.json<ShownImage>('image', 'show', id);
}

/** States of an image's copies in a line: `central=present dcn0=copying`. */
export async function copies(cloud: Cloud, id: string): Promise<string> {
  const shown = await image(cloud, id);
  return shown.copies.map((copy) => `${copy.store_id}=${copy.state}`).join(' ');
}

/** Uploads a file and returns its image's id. */
export async function createImage(cloud: Cloud, path: string, ...more: string[]): Promise<string> {
  const { image } = await cloud.json<{ image: ShownImage }>(
    'image',
    'create',
    '--name',
    'image',
    '--file',
    path,
    ...more,
  );
  return image.id;
}

/** What one attempt moved, from the log line of its end at the hub. */
export interface AttemptLine {
  readonly imageId: string;
  readonly storeId: string;
  readonly kind: string;
  readonly attempt: number;
  readonly receivedBytes: number;
  readonly resumedBytes: number;
  readonly msg: string;
}

/** The hub's lines on attempts at an image that ended. */
export function attempts(cloud: Cloud, imageId: string): AttemptLine[] {
  return cloud.hub
    .log()
    .split('\n')
    .filter(
      (line) => line.includes('"part":"queue"') && line.includes(imageId) && line.includes('receivedBytes'),
    )
    .map((line) => JSON.parse(line) as AttemptLine);
}

/** A counter or gauge of a scrape; 0 when there is no such series. */
export function metric(text: string, series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? 0 : Number(line.slice(series.length + 1));
}
