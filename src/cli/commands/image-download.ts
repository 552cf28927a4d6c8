import type { Command } from 'commander';
import { parseUuid } from '../../domain/ids.ts';
import { Refusal } from '../../domain/refusal.ts';
import { Interruption } from '../interruption.ts';
import { example } from '../options.ts';
import { imageJson } from '../output/json.ts';
import { RateMeter } from '../output/rate.ts';
import { formatBytes } from '../output/units.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';
import type { Image } from '../wire.ts';

interface Options {
  readonly file: string;
  readonly force?: true;
}

export function registerImageDownload(parent: Command, run: Run): void {
  parent
    .command('download')
    .description('write an image into a sparse raw file, checked against its SHA-512')
    .argument('<image-id>', 'its UUID')
    .requiredOption('--file <path>', 'where to; PATH.part until it is complete')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      example('entrepot image download 3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10 --file ./disk.raw'),
    )
    .action(
      run(async (session: Session, id: string, options: Options) => {
        const imageId = parseUuid(id);
        const { requireFreeTarget } = await import('../download.ts');
        await requireFreeTarget(options.file, options.force === true);
        const image = await (await session.hub()).getImage(imageId);
        await download(session, image, options);
        session.print({
          text: `${options.file}: ${formatBytes(image.sizeBytes ?? 0)}, SHA-512 as it should be\n`,
          json: { file: options.file, image: imageJson(image) },
        });
      }),
    );
}

async function download(session: Session, image: Image, { file, force }: Options): Promise<void> {
  const { sizeBytes, osHashValue } = image;
  if (sizeBytes === undefined || osHashValue === '') {
    throw new Refusal('CONFLICT', `image ${image.id} is ${image.status} and has no data yet`, {
      hint: `\`entrepot job list --image ${image.id}\` shows what is being done about it`,
    });
  }
  const { saveImage } = await import('../download.ts');
  const hub = await session.hub();
  const printer = session.progress();
  const rate = new RateMeter();
  const totalBytes = image.dataBytes ?? sizeBytes;
  const show = (doneBytes: number) => {
    rate.record(doneBytes);
    printer.show({
      job: undefined,
      lines: [
        {
          key: 'download',
          label: 'download',
          phase: 'receiving',
          doneBytes,
          totalBytes: totalBytes,
          rateBytesPerSecond: rate.bytesPerSecond,
          remainingSeconds: rate.remainingSeconds(totalBytes),
          reason: '',
          traffic: undefined,
        },
      ],
    });
  };
  using interruption = new Interruption();
  try {
    show(0);
    await saveImage(hub.download(image.id, interruption.signal), {
      path: file,
      force: force === true,
      sizeBytes,
      osHashValue,
      onProgress: (doneBytes) => show(doneBytes),
    });
  } catch (error) {
    throw interruption.explain(error, 'interrupted; nothing was written');
  } finally {
    printer.stop();
  }
}
