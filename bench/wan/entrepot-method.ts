import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { WanCloud } from './cloud.ts';
import { writeWanImage } from './image.ts';
import { type Method, ONWARD, PULL, PUSH, type Trial } from './method.ts';
import type { Edge } from './topology.ts';

const LOOK_MS = 200;

/** Of `-o json`. */
interface ShownJob {
  readonly created_at: string;
  readonly ended_at: string;
  readonly tasks: readonly { readonly kind: string; readonly state: string }[];
}

export interface EntrepotSettings {
  readonly cloud: WanCloud;
  readonly sizeBytes: number;
}

/** An image that is at central, copied to an edge: a job of the hub, from its creation to its success. */
export function pullMethod({ cloud, sizeBytes }: EntrepotSettings, isCompressible: boolean): Method {
  return {
    name: isCompressible ? 'pull-compressible' : 'pull',
    title: isCompressible ? 'entrepot, pull, data that compresses 2.5:1' : 'entrepot, pull',
    async prepare(number, signal): Promise<Trial> {
      const id = randomUUID();
      await withImage({ cloud, sizeBytes, number, isCompressible, signal }, (file) =>
        cloud.cli('image', 'create', '--name', 'image', '--id', id, '--file', file),
      );
      return {
        clients: () => cloud.processes(['central', 'dcn0']),
        legs: [PULL],
        run: async () => {
          const { job } = await cloud.json<{ job: ShownJob }>(
            'image',
            'copy',
            id,
            '--stores',
            'dcn0',
            '--wait',
          );
          return (Date.parse(job.ended_at) - Date.parse(job.created_at)) / 1000;
        },
        [Symbol.asyncDispose]: () => removeImage(cloud, id, signal),
      };
    },
  };
}

/**
 * An image that entered at an edge and goes to central, and from there to `others`. Central is paused until the edge has
 * it; the time is from then on, when central is let go, to the end of the job.
 */
export function pushMethod({ cloud, sizeBytes }: EntrepotSettings, others: readonly Edge[]): Method {
  const isOn = others.length > 0;
  return {
    name: isOn ? 'push-on' : 'push',
    title: isOn ? 'entrepot, push to central, then to another edge' : 'entrepot, push',
    async prepare(number, signal): Promise<Trial> {
      const id = randomUUID();
      const file = join(cloud.folder, `${id}.raw`);
      await writeWanImage(file, { number, sizeBytes, isCompressible: false }, signal);
      await cloud.cli('store', 'pause', 'central');
      const stores = isOn ? ['--stores', others.join(',')] : [];
      const source = ['--id', id, '--file', file, '--store', 'dcn0'];
      const imported = cloud.cli('image', 'create', '--name', 'image', ...source, ...stores);
      // Whoever runs this is told; until then it is not unhandled.
      imported.catch(() => {});
      await Promise.race([imported, untilTakenIn(cloud, id, signal)]);
      await rm(file);
      return {
        clients: () => cloud.processes(['central', 'dcn0', ...others]),
        legs: isOn ? [PUSH, ONWARD] : [PUSH],
        run: async () => {
          await cloud.cli('store', 'resume', 'central');
          await imported;
          return await sinceResume(cloud, id);
        },
        [Symbol.asyncDispose]: () => removeImage(cloud, id, signal),
      };
    },
  };
}

interface ImageOptions {
  readonly cloud: WanCloud;
  readonly sizeBytes: number;
  readonly number: number;
  readonly isCompressible: boolean;
  readonly signal: AbortSignal;
}

/** The file is there while it is used. */
export async function withImage(
  options: ImageOptions,
  use: (file: string) => Promise<unknown>,
): Promise<void> {
  const { cloud, sizeBytes, number, isCompressible, signal } = options;
  const file = join(cloud.folder, `${randomUUID()}.raw`);
  try {
    await writeWanImage(file, { number, sizeBytes, isCompressible }, signal);
    await use(file);
  } finally {
    await rm(file, { force: true });
  }
}

/** The copy at the edge is not listed before central has one. */
async function untilTakenIn(cloud: WanCloud, id: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const job = await lastJob(cloud, id);
    if (job?.tasks.some(({ kind, state }) => kind === 'ingest' && state === 'done')) return;
    await delay(LOOK_MS, undefined, { signal });
  }
}

async function lastJob(cloud: WanCloud, id: string): Promise<ShownJob | undefined> {
  return (await cloud.json<ShownJob[]>('job', 'list', '--image', id, '--all'))[0];
}

/** Seconds, by the hub's clock. */
async function sinceResume(cloud: WanCloud, id: string): Promise<number> {
  const job = await lastJob(cloud, id);
  const events = await cloud.json<{ at: string; kind: string }[]>('event', 'list', '--store', 'central');
  const resumed = events.findLast(({ kind }) => kind === 'store.resumed');
  if (job === undefined || resumed === undefined) throw new Error('the hub forgot what it did');
  return (Date.parse(job.ended_at) - Date.parse(resumed.at)) / 1000;
}

/** What an interrupted bench leaves goes with its folder. */
export async function removeImage(cloud: WanCloud, id: string, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await cloud.cli('image', 'delete', id, '--wait');
}
