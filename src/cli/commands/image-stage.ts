import type { Command } from 'commander';
import { parseStoreId, parseUuid } from '../../domain/ids.ts';
import { Refusal } from '../../domain/refusal.ts';
import { requireSucceeded } from '../follow.ts';
import { example, laneOption } from '../options.ts';
import { imageJson, jobJson } from '../output/json.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';
import { shellWord } from '../shell-word.ts';
import type { Image, Job } from '../wire.ts';

interface Options {
  readonly file: string;
  readonly store?: string;
  readonly lane: string;
}

export function registerImageStage(parent: Command, run: Run): void {
  parent
    .command('stage')
    .description(
      'put a file of any format beside a store, to be imported from there by glance-direct; goes on with a stage that broke off',
    )
    .argument('<image-id>', 'its UUID')
    .requiredOption('--file <path>', 'the file; holes are not sent')
    .option('--store <id>', 'where it will enter; central when left out', parseStoreId)
    .addOption(laneOption())
    .addHelpText(
      'after',
      example(
        'entrepot image stage 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10 --file ./debian-13.qcow2',
        'entrepot image import 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10 --method glance-direct',
      ),
    )
    .action(run(stage));
}

async function stage(session: Session, id: string, options: Options): Promise<void> {
  const imageId = parseUuid(id);
  const { LocalImage } = await import('../local-image.ts');
  const { tellGoingOn, unfinishedOf } = await import('../unfinished-upload.ts');
  const { uploadFile } = await import('../upload.ts');
  await using source = await LocalImage.open(options.file);
  // What no site would let in is not sent.
  await source.format();
  const hub = await session.hub();
  const { file, store: storeId = '', lane } = options;
  const unfinished = await unfinishedOf(session, imageId, source);
  if (unfinished !== undefined) tellGoingOn(session, unfinished);
  if (unfinished !== undefined && unfinished.job === undefined) return await printStaged(session, imageId);
  if (unfinished?.job !== undefined) requireStage(unfinished.job, file);
  const job = await uploadFile(session, source, {
    begin: () => hub.imports.stage({ imageId, storeId, sizeBytes: source.sizeBytes, lane }),
    unfinished,
    goesOnBy: stageCommand(imageId, file),
    onAbandoned: async () => {},
  });
  await printStaged(session, imageId, job);
  requireSucceeded(job);
}

/** `job`: none when an earlier run staged all of it. */
async function printStaged(session: Session, imageId: string, job?: Job): Promise<void> {
  const image = await (await session.hub()).getImage(imageId);
  session.print({
    text: stagedText(image),
    json: { image: imageJson(image), job: job === undefined ? null : jobJson(job) },
  });
}

function stagedText({ id, stagedBytes }: Image): string {
  if (stagedBytes === undefined) return '';
  return `staged ${stagedBytes} bytes; \`entrepot image import ${id} --method glance-direct\` takes them in\n`;
}

function stageCommand(imageId: string, file: string): string {
  return `entrepot image stage ${imageId} --file ${shellWord(file)}`;
}

/** An import takes its bytes straight into the store: afterwards nothing would be staged. */
function requireStage({ id, kind, imageId }: Job, file: string): void {
  if (kind === 'stage') return;
  throw new Refusal('CONFLICT', `image ${imageId} has an unfinished upload that is not staged`, {
    hint: `\`entrepot image upload ${imageId} --file ${shellWord(file)}\` goes on with it, \`entrepot job cancel ${id}\` gives it up`,
  });
}
