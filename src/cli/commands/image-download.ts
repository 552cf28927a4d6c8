import { type Command, Option } from 'commander';
import { parseStoreId, parseUuid } from '../../domain/ids.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { DownloadedImage, DownloadFormat, DownloadPhase } from '../download/download.ts';
import { Interruption } from '../interruption.ts';
import { example } from '../options.ts';
import { imageJson } from '../output/json.ts';
import type { ProgressPrinter } from '../output/progress.ts';
import { RateMeter } from '../output/rate.ts';
import { formatBytes } from '../output/units.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';
import type { Image } from '../wire.ts';

interface Options {
  readonly file: string;
  readonly store?: string;
  readonly format: DownloadFormat;
  readonly force?: true;
  readonly progress?: true;
}

export function registerImageDownload(parent: Command, run: Run): void {
  parent
    .command('download')
    .description('write an image into a sparse file, checked against its SHA-512; the same command goes on')
    .argument('<image-id>', 'its UUID')
    .requiredOption('--file <path>', 'where to; PATH.part until it is complete')
    .option('--store <id>', "whose copy is read; central's when left out", parseStoreId)
    .addOption(
      new Option('--format <format>', 'of the file; qcow2 takes qemu-img')
        .choices(['raw', 'qcow2'])
        .default('raw'),
    )
    .option('--force', 'replace a file that is there')
    .option('--progress', 'a line a second also where stderr is no terminal')
    .addHelpText(
      'after',
      example(
        'entrepot image download 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10 --file ./disk.raw',
        'entrepot image download 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10 --file ./disk.qcow2 --format qcow2',
      ),
    )
    .action(
      run(async (session: Session, id: string, options: Options) => {
        const imageId = parseUuid(id);
        const { requireFreeTarget } = await import('../download/target.ts');
        await requireFreeTarget(options.file, options.force === true);
        if (options.format === 'qcow2') await (await import('../download/qcow2.ts')).requireQemuImg();
        const image = await (await session.hub()).getImage(imageId);
        await download(session, image, options);
        const format = options.format === 'raw' ? '' : ` as ${options.format}`;
        session.print({
          text: `${options.file}: ${formatBytes(image.sizeBytes ?? 0)}${format}, SHA-512 as it should be\n`,
          json: { file: options.file, format: options.format, image: imageJson(image) },
        });
      }),
    );
}

async function download(session: Session, image: Image, options: Options): Promise<void> {
  const { file, store: storeId = '', format, force, progress } = options;
  const downloaded = requireData(image);
  const { downloadImage } = await import('../download/download.ts');
  const hub = await session.hub();
  const printer = session.progress({ everySecond: progress === true });
  let kept: string | undefined;
  using interruption = new Interruption();
  const { signal } = interruption;
  try {
    await downloadImage(downloaded, {
      path: file,
      format,
      force: force === true,
      framesFrom: (fromByte) => hub.download({ imageId: image.id, storeId, fromByte }, signal),
      signal,
      awayMs: session.timeoutMs,
      onProgress: shownBy(printer),
      onNote: (sentence) => printer.note(sentence),
      onKept: (sentence) => {
        kept = sentence;
      },
    });
  } catch (error) {
    const goesOn = 'the same command goes on from there';
    const explained = interruption.explain(
      error,
      `interrupted; ${kept ?? 'nothing was written'}`,
      kept && goesOn,
    );
    if (explained === error && kept !== undefined) printer.note(`${kept}: ${goesOn}`);
    throw explained;
  } finally {
    printer.stop();
  }
}

/** CONFLICT when there is nothing to download yet. */
function requireData({ id, status, root, sizeBytes, dataBytes, osHashValue }: Image): DownloadedImage {
  if (sizeBytes === undefined || osHashValue === '') {
    throw new Refusal('CONFLICT', `image ${id} is ${status} and has no data yet`, {
      hint: `\`entrepot job list --image ${id}\` shows what is being done about it`,
    });
  }
  return { id, root, sizeBytes, dataBytes: dataBytes ?? sizeBytes, osHashValue };
}

/** One line, at whichever phase it is; each has a rate of its own. */
function shownBy(printer: ProgressPrinter) {
  let rate = new RateMeter();
  let current: DownloadPhase | undefined;
  return (phase: DownloadPhase, doneBytes: number, totalBytes: number) => {
    if (phase !== current) rate = new RateMeter();
    current = phase;
    rate.record(doneBytes);
    const line = {
      key: 'download',
      label: 'download',
      phase,
      doneBytes,
      totalBytes,
      rateBytesPerSecond: rate.bytesPerSecond,
      remainingSeconds: rate.remainingSeconds(totalBytes),
      reason: '',
      traffic: undefined,
    };
    printer.show({ job: undefined, lines: [line] });
  };
}
