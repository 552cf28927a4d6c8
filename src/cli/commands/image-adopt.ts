import type { Command } from 'commander';
import { isUuid, parseStoreId, parseUuid } from '../../domain/ids.ts';
import { Refusal } from '../../domain/refusal.ts';
import { type ImportTargets, targetsOf } from '../bring-in.ts';
import { requireSucceeded, waitForJob } from '../follow.ts';
import type { HubConnection } from '../hub-connection.ts';
import {
  allowFailureOption,
  allStoresOption,
  example,
  laneOption,
  storesOption,
  waitOption,
} from '../options.ts';
import { jobJson } from '../output/json.ts';
import type { Run } from '../program.ts';
import { reportJob } from '../report-job.ts';
import type { Session } from '../session.ts';
import type { Image, Job } from '../wire.ts';

interface Options extends ImportTargets {
  readonly store?: string;
  readonly rbd?: string;
  readonly all?: true;
  readonly pool?: string;
  readonly id?: string;
  readonly name?: string;
  readonly move?: true;
  readonly dryRun?: true;
  readonly wait?: true;
}

export function registerImageAdopt(parent: Command, run: Run): void {
  parent
    .command('adopt')
    .description('make an image of the catalogue of what lies in a cluster already')
    .option('--store <id>', 'whose cluster; central when left out', parseStoreId)
    .option('--rbd <pool/name>', 'the image: POOL/NAME')
    .option('--all', 'every image of --pool that is named by a UUID and has a protected snapshot `snap`')
    .option('--pool <pool>', 'for --all: the pool of the store')
    .option('--id <uuid>', 'its UUID; its own name where that is one, else a new one', (text) =>
      parseUuid(text),
    )
    .option('--name <name>', 'what people call it; its name in the pool when left out')
    .option('--move', 'rename it, instead of copying it')
    .option('--dry-run', 'say what would be done, and change nothing')
    .addOption(storesOption())
    .addOption(allStoresOption())
    .addOption(allowFailureOption())
    .addOption(laneOption())
    .addOption(waitOption())
    .addHelpText(
      'after',
      example(
        'entrepot image adopt --rbd images/debian-13 --move --dry-run',
        'entrepot image adopt --rbd images/3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10 --name debian-13 --wait',
        'entrepot image adopt --all --pool images',
      ),
    )
    .action(run(adopt));
}

async function adopt(session: Session, options: Options): Promise<void> {
  if (options.all === true) {
    await adoptAll(session, options);
    return;
  }
  const { pool, image } = parseRbd(options.rbd);
  const imageId = options.id ?? (isUuid(image) ? image : '');
  const source = { storeId: options.store ?? '', pool, image, move: options.move === true };
  const hub = await session.hub();
  const examined = await hub.imports.examineAdopt({ adopt: source, imageId });
  if (options.dryRun === true) {
    const { steps = [] } = examined;
    const sizeBytes = Number(examined.sizeBytes);
    const lines = steps.map((step, index) => `${index + 1}. ${step}\n`).join('');
    session.print({
      text: `${pool}/${image}, ${sizeBytes} bytes. This would:\n${lines}`,
      json: { pool, image, size_bytes: sizeBytes, steps },
    });
    return;
  }
  const job = await adoptOne(session, imageId, options.name ?? image, source, options);
  await reportJob(session, job, options, (shown) => ({ job: jobJson(shown) }));
}

/** One job each; what cannot be adopted is told, and does not stop the others. */
async function adoptAll(session: Session, options: Options): Promise<void> {
  const { store: storeId = '', pool } = options;
  if (pool === undefined || options.rbd !== undefined || options.id !== undefined) {
    throw new Refusal('INVALID', '--all goes with --pool, and neither with --rbd nor with --id', {
      hint: 'as in `entrepot image adopt --all --pool images`',
    });
  }
  const hub = await session.hub();
  const found: string[] = [];
  const jobs: Job[] = [];
  for await (const imageId of hub.imports.listAdoptable(storeId)) {
    found.push(imageId);
    if (options.dryRun === true) continue;
    const source = { storeId, pool, image: imageId, move: false };
    jobs.push(await adoptOne(session, imageId, imageId, source, options));
  }
  const ended: Job[] = [];
  if (options.wait !== undefined) for (const job of jobs) ended.push(await waitForJob(session, job));
  const text =
    options.dryRun === true
      ? `${found.length} images would be adopted${found.map((id) => `\n  ${id}`).join('')}\n`
      : `${jobs.length} images are being adopted${jobs.map(({ id, imageId }) => `\n  ${imageId} by job ${id}`).join('')}\n`;
  session.print({ text, json: { image_ids: found, jobs: (ended.length > 0 ? ended : jobs).map(jobJson) } });
  for (const job of ended) requireSucceeded(job);
}

async function adoptOne(
  session: Session,
  id: string,
  name: string,
  source: { readonly storeId: string; readonly pool: string; readonly image: string; readonly move: boolean },
  options: Options,
): Promise<Job> {
  const hub = await session.hub();
  const made = await recordFor(hub, id, name);
  try {
    return await hub.imports.begin({ imageId: made.id, adopt: source, ...targetsOf(options) });
  } catch (error) {
    if (options.id === undefined && id === '') await hub.deleteImage(made.id).catch(() => undefined);
    throw error;
  }
}

/** A new one, or what an adoption that failed has left. */
async function recordFor(hub: HubConnection, id: string, name: string): Promise<Image> {
  try {
    return await hub.createImage({ id, name, diskFormat: 'raw', containerFormat: 'bare' });
  } catch (error) {
    if (id === '' || Refusal.from(error).code !== 'ALREADY_EXISTS') throw error;
    const known = await hub.getImage(id).catch(() => undefined);
    if (known?.status === 'queued') return known;
    throw error;
  }
}

function parseRbd(text: string | undefined): { readonly pool: string; readonly image: string } {
  const [pool = '', image = '', ...rest] = (text ?? '').split('/');
  if (pool !== '' && image !== '' && rest.length === 0) return { pool, image };
  throw new Refusal('INVALID', text === undefined ? 'no image was named' : `'${text}' is not POOL/NAME`, {
    hint: 'as in --rbd images/debian-13, or --all --pool images',
  });
}
