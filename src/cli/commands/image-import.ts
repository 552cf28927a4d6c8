import { type Command, Option } from 'commander';
import { parseUuid } from '../../domain/ids.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { ImportRequest } from '../../rpc/generated/entrepot/v1/ImportRequest.ts';
import { type ImportTargets, targetsOf } from '../bring-in.ts';
import { addDraftOptions, type DraftOptions, draftOf } from '../draft-options.ts';
import {
  allMustSucceedOption,
  allowFailureOption,
  allStoresOption,
  example,
  laneOption,
  storesOption,
  waitOption,
} from '../options.ts';
import { jobJson } from '../output/json.ts';
import type { Run } from '../program.ts';
import { warnOfProperties } from '../property-warnings.ts';
import { reportJob } from '../report-job.ts';
import type { Session } from '../session.ts';
import { readStdin } from '../standard-input.ts';

const METHODS = ['web-download', 'glance-direct'] as const;

interface Options extends ImportTargets, Omit<DraftOptions, 'name'> {
  readonly name?: string;
  readonly method?: (typeof METHODS)[number];
  readonly uri?: string;
  readonly md5?: string;
  readonly sha256?: string;
  readonly sha512?: string;
  readonly wait?: true;
}

export function registerImageImport(parent: Command, run: Run): void {
  const command = parent
    .command('import')
    .description('bring an image in from a web server, or take in what was staged')
    .argument('[image-id]', 'of an image without data; when left out one is made, with --name')
    .addOption(new Option('--method <method>', 'web-download where there is a --uri').choices(METHODS))
    .option('--uri <uri>', 'where the file is; - takes it from standard input, for what may be secret in it')
    .option('--name <name>', 'of the image that is made');
  addDraftOptions(command)
    .option('--md5 <hex>', 'what the file must hash to')
    .option('--sha256 <hex>', 'what the file must hash to')
    .option('--sha512 <hex>', 'what the file must hash to')
    .addOption(storesOption())
    .addOption(allStoresOption())
    .addOption(allowFailureOption())
    .addOption(allMustSucceedOption())
    .addOption(laneOption())
    .addOption(waitOption())
    .addHelpText(
      'after',
      example(
        'entrepot image import --name debian-13 --uri https://images.example.org/debian-13.qcow2 --disk-format qcow2 --all-stores --wait',
        'entrepot image import 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10 --method glance-direct --wait',
      ),
    )
    .action(run(importImage));
}

async function importImage(session: Session, id: string | undefined, given: Options): Promise<void> {
  const options = given.uri === '-' ? { ...given, uri: (await readStdin()).trim() } : given;
  const source = sourceOf(options);
  const hub = await session.hub();
  const imageId = id === undefined ? await makeImage(session, options) : parseUuid(id);
  const { md5, sha256, sha512 } = options;
  const expectedDigests = { ...(md5 && { md5 }), ...(sha256 && { sha256 }), ...(sha512 && { sha512 }) };
  const request = { imageId, expectedDigests, ...source, ...targetsOf(options) };
  const job = await hub.imports.begin(request).catch(async (error: unknown) => {
    // A record that was made for this alone is not left behind.
    if (id === undefined && options.id === undefined) await hub.deleteImage(imageId).catch(() => undefined);
    throw error;
  });
  await reportJob(session, job, options, (shown) => ({ job: jobJson(shown) }));
}

async function makeImage(session: Session, options: Options): Promise<string> {
  const { name } = options;
  if (name === undefined) {
    throw new Refusal('INVALID', 'neither an image nor a name for a new one was given', {
      hint: 'give the UUID of an image without data, or --name',
    });
  }
  if (options.uri === undefined) {
    throw new Refusal('INVALID', 'nothing is staged for an image that is not there yet', {
      hint: '`entrepot image create --file PATH` does all of it',
    });
  }
  const image = await (await session.hub()).createImage(draftOf({ ...options, name }, 'raw'));
  warnOfProperties(session, image);
  return image.id;
}

function sourceOf({ method, uri }: Options): Pick<ImportRequest, 'glanceDirect' | 'webDownload'> {
  const chosen = method ?? (uri === undefined ? undefined : 'web-download');
  if (chosen === 'web-download' && uri !== undefined) return { webDownload: { uri } };
  if (chosen === 'glance-direct' && uri === undefined) return { glanceDirect: {} };
  throw new Refusal('INVALID', 'it is not clear where the image comes from', {
    hint: '--uri URI for a web server, or --method glance-direct for what `image stage` has sent',
  });
}
