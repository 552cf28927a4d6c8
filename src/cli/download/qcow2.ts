import { open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ExecaError, execa } from 'execa';
import { Refusal } from '../../domain/refusal.ts';
import { throwIfAborted } from '../../transfer/in-flight.ts';
import { withFile } from '../file-errors.ts';
import { printable } from '../output/units.ts';

/** `qemu-img --version` that takes longer does not work. */
const VERSION_TIMEOUT_MS = 10_000;

/** It has so long to end by itself when the conversion is cancelled. */
const KILL_AFTER_MS = 2000;

/** Of what it complains of: characters. */
const MAX_STDERR = 64 * 1024;

export interface ConvertOptions {
  /** Virtual size of the raw image. */
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
  /** Bytes of the raw image that are through; qemu-img tells it in hundredths of a percent. */
  readonly onProgress: (doneBytes: number) => void;
}

/** NOT_FOUND when there is no qemu-img to convert with. */
export async function requireQemuImg(): Promise<void> {
  try {
    await execa('qemu-img', ['--version'], { stdin: 'ignore', timeout: VERSION_TIMEOUT_MS });
  } catch (cause) {
    const isAbsent = cause instanceof ExecaError && cause.code === 'ENOENT';
    throw new Refusal(
      'NOT_FOUND',
      isAbsent ? 'qemu-img is not there, which makes qcow2 files' : 'qemu-img is there, but does not run',
      { hint: 'install it (`apt install qemu-utils`), or download with --format raw', cause },
    );
  }
}

/**
 * Writes the raw file at `from` to `to` as qcow2, flushed. What is at `to` before is gone, and nothing is there when
 * it fails or is cancelled. NO_SPACE when the disk is full, INTERNAL for whatever else qemu-img complains of.
 */
export async function convertToQcow2(from: string, to: string, options: ConvertOptions): Promise<void> {
  const doing = `write ${to}`;
  await withFile(doing, () => rm(to, { force: true }));
  try {
    await runQemuImg(from, to, options);
    await withFile(doing, async () => {
      await using handle = await open(to, 'r');
      await handle.sync();
    });
  } catch (error) {
    await rm(to, { force: true }).catch(() => {});
    throw error;
  }
}

async function runQemuImg(
  from: string,
  to: string,
  { sizeBytes, signal, onProgress }: ConvertOptions,
): Promise<void> {
  // Paths from the root: anything else qemu-img may take for an option or, with a colon, for a protocol.
  const convert = execa(
    'qemu-img',
    ['convert', '-p', '-f', 'raw', '-O', 'qcow2', resolve(from), resolve(to)],
    {
      stdin: 'ignore',
      buffer: { stdout: false },
      maxBuffer: MAX_STDERR,
      env: { LC_ALL: 'C' },
      cancelSignal: signal,
      // A signal is for `signal` to pass on: execa would end this process as well, before it has tidied up.
      cleanup: false,
      forceKillAfterDelay: KILL_AFTER_MS,
    },
  );
  convert.stdout.setEncoding('latin1').on('data', (text: string) => {
    const percent = lastPercent(text);
    if (percent !== undefined) onProgress(Math.floor((sizeBytes * percent) / 100));
  });
  try {
    await convert;
  } catch (error) {
    throwIfAborted(signal);
    throw refusalOf(error);
  }
}

/** Of `    (12.34/100%)\r    (13.35/100%)\r`: 13.35. */
function lastPercent(text: string): number | undefined {
  const [, percent] = [...text.matchAll(/\((\d+\.\d+)\/100%\)/g)].at(-1) ?? [];
  return percent === undefined ? undefined : Number(percent);
}

function refusalOf(cause: unknown): Refusal {
  const { stderr, shortMessage } = cause as ExecaError;
  const complaint =
    String(stderr ?? '')
      .trim()
      .split('\n')
      .at(-1) || shortMessage;
  if (/No space left on device|Disk quota exceeded/.test(complaint)) {
    return new Refusal('NO_SPACE', 'the disk became full while qemu-img converted', {
      hint: 'make room, or choose another disk',
      cause,
    });
  }
  return new Refusal('INTERNAL', `qemu-img could not convert: ${printable(complaint)}`, {
    hint: '--format raw needs no qemu-img',
    cause,
  });
}
