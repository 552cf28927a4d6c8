import type { Command } from 'commander';
import { parseUuid } from '../../domain/ids.ts';
import { Refusal } from '../../domain/refusal.ts';
import { requireSucceeded, waitForJob } from '../follow.ts';
import {
  allMustSucceedOption,
  allStoresOption,
  example,
  laneOption,
  storesOption,
  waitOption,
} from '../options.ts';
import { jobJson } from '../output/json.ts';
import { jobText } from '../output/views.ts';
import type { Run } from '../program.ts';
import { startedText } from '../report-job.ts';
import type { Session } from '../session.ts';
import type { Job } from '../wire.ts';

interface Options {
  readonly stores?: readonly string[];
  readonly allStores?: true;
  readonly allStoresMustSucceed?: true;
  readonly lane: string;
  readonly wait?: true;
}

export function registerImageCopy(parent: Command, run: Run): void {
  parent
    .command('copy')
    .description('copy an image from central to other stores')
    .argument('<image-id>', 'its UUID')
    .addOption(storesOption())
    .addOption(allStoresOption())
    .addOption(allMustSucceedOption())
    .addOption(laneOption())
    .addOption(waitOption())
    .addHelpText(
      'after',
      example(
        'entrepot image copy 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10 --stores dcn0,dcn1',
        'entrepot image copy 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10 --all-stores --wait',
      ),
    )
    .action(
      run(async (session: Session, id: string, options: Options) => {
        const imageId = parseUuid(id);
        if (options.stores === undefined && options.allStores === undefined) {
          throw new Refusal('INVALID', 'no store was named', { hint: 'give --stores A,B or --all-stores' });
        }
        const { job, joined } = await (await session.hub()).copyImage({
          imageId,
          storeIds: [...(options.stores ?? [])],
          allStores: options.allStores === true,
          allStoresMustSucceed: options.allStoresMustSucceed === true,
          lane: options.lane,
        });
        if (job === null) {
          const text = `nothing to do: every store holds image ${imageId}\n`;
          session.print({ text, json: { job: null, joined: false } });
          return;
        }
        if (options.wait === undefined) {
          session.print({ text: queuedText(job, joined), json: { job: jobJson(job), joined } });
          return;
        }
        const ended = await waitForJob(session, job);
        session.print({ text: jobText(ended), json: { job: jobJson(ended), joined } });
        requireSucceeded(ended);
      }),
    );
}

function queuedText(job: Job, joined: boolean): string {
  return (joined ? 'joined a job that is doing this already\n' : '') + startedText(job);
}
