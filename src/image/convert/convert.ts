import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Confinement } from '../../confine/confinement.ts';
import { ProgramFailedError } from '../../confine/ending.ts';
import { Refusal } from '../../domain/refusal.ts';
import { NbdExport } from '../../nbd/export.ts';
import type { NbdSink } from '../../nbd/transmission.ts';
import { ProgressReader } from './progress-reader.ts';
import { type ConvertibleFormat, qemuSource, qemuTarget } from './qemu-source.ts';

export interface Conversion {
  /** The whole file, inspected and accepted. qemu-img itself reads it: the path must be open to the agent's user. */
  readonly path: string;
  readonly format: ConvertibleFormat;
  /** As the inspector found it; a multiple of 512. */
  readonly virtualSizeBytes: number;
  /**
   * Gets the disk's bytes in rising order, one write of up to 4 MiB at a time, holes left out: what is not
   * written must read as zeros.
   */
  readonly sink: NbdSink;
  /** Where the socket is made that qemu-img writes to: a folder that nobody else can enter, with a short path. */
  readonly socketFolder: string;
  readonly confinement: Confinement;
  readonly signal?: AbortSignal | undefined;
  /** How much of the disk is done, holes included, in bytes. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

const PACKAGE = 'qemu-utils';

/** Runs of zeros as short as this become holes; the stores allocate no less. */
const SPARSE_BYTES = 64 * 1024;

/**
 * Writes the disk in a file as raw bytes into `sink`, by a confined qemu-img that knows nothing of where they
 * go. When it settles well, all of them are written and flushed; when it settles, qemu-img is gone and the
 * sink is left alone.
 *
 * Rejects with what `signal` was aborted for, what the sink threw, INVALID when qemu-img cannot read the file,
 * finds it damaged, sees another disk than the inspector did, or runs into a limit, and UNSUPPORTED when it is
 * not installed.
 */
export async function convertToRaw(conversion: Conversion): Promise<void> {
  await requireSameDisk(conversion);
  await requireWhole(conversion);
  const { path, format, virtualSizeBytes, sink, confinement, signal, onProgress } = conversion;
  // Short: a socket's whole path has 107 bytes at most.
  const socketPath = join(conversion.socketFolder, `${randomBytes(6).toString('hex')}.nbd`);
  await using nbdExport = new NbdExport({ socketPath, sizeBytes: virtualSizeBytes, sink });
  await nbdExport.listen();
  const progress = new ProgressReader((part) => {
    onProgress?.(Math.floor(part * virtualSizeBytes), virtualSizeBytes);
  });
  try {
    await confinement.run({
      program: 'qemu-img',
      args: [
        'convert',
        '-p',
        `-S${SPARSE_BYTES}`,
        // The target is there, all zeros, and wants to hear of the last flush.
        '-n',
        '--target-is-zero',
        '-twriteback',
        '-Oraw',
        qemuSource(path, format),
        qemuTarget(socketPath),
      ],
      packageName: PACKAGE,
      signal,
      stdout: (bytes) => progress.read(bytes),
    });
  } catch (error) {
    // qemu-img fails of what the sink says, and knows less of why.
    if (error instanceof ProgramFailedError && nbdExport.failure !== undefined) throw nbdExport.failure;
    throw unreadable(error, conversion);
  }
  await nbdExport.finish();
  onProgress?.(virtualSizeBytes, virtualSizeBytes);
}

/** What `qemu-img info` tells of a file, as far as it matters. */
interface ImageInfo {
  readonly 'virtual-size'?: unknown;
  readonly 'backing-filename'?: unknown;
  readonly 'format-specific'?: { readonly data?: { readonly 'data-file'?: unknown } };
}

/** Two readers that see two disks in a file, or more files than one: somebody made it so. */
async function requireSameDisk(conversion: Conversion): Promise<void> {
  const { path, format, virtualSizeBytes, confinement, signal } = conversion;
  const info = await confinement
    .run({
      program: 'qemu-img',
      args: ['info', '--output=json', qemuSource(path, format)],
      packageName: PACKAGE,
      signal,
    })
    .then(({ stdout }) => JSON.parse(stdout) as ImageInfo)
    .catch((error: unknown) => {
      throw unreadable(error, conversion);
    });
  const { 'virtual-size': seen, 'backing-filename': backing, 'format-specific': specific } = info;
  if (backing !== undefined || specific?.data?.['data-file'] !== undefined) {
    throw new Refusal('INVALID', 'qemu-img would read another file with it');
  }
  if (seen !== virtualSizeBytes) {
    throw new Refusal(
      'INVALID',
      `qemu-img sees a disk of ${String(seen)} bytes in it, its header says ${virtualSizeBytes}`,
      { hint: 'make it anew, e.g. `qemu-img convert -O qcow2 IMAGE NEW.qcow2`' },
    );
  }
}

/**
 * What qemu-img can hold against a file's own tables. Of a vhd it sees itself that it was cut; of a vdi, whose
 * blocks lie in one row, the inspector does.
 */
const CHECKED: ReadonlySet<ConvertibleFormat> = new Set(['qcow2', 'vmdk', 'vhdx', 'ploop']);

/** Clusters in the file that nothing points at: they take room, and all else is well. */
const LEAKS_EXIT_CODE = 3;

/** What a file's tables place behind its end reads as zeros: a copy that was cut would come in with holes. */
async function requireWhole(conversion: Conversion): Promise<void> {
  const { path, format, confinement, signal } = conversion;
  if (!CHECKED.has(format)) return;
  const check = await confinement
    .run({
      program: 'qemu-img',
      args: ['check', '--output=json', qemuSource(path, format)],
      packageName: PACKAGE,
      signal,
    })
    .then(({ stdout }) => JSON.parse(stdout) as { readonly 'image-end-offset'?: unknown })
    .catch((error: unknown) => {
      if (error instanceof ProgramFailedError && error.exitCode === LEAKS_EXIT_CODE) return undefined;
      throw unreadable(error, conversion, 'qemu-img finds it damaged');
    });
  // Of a ploop the last block may lack its end without a word of it.
  const endBytes = check?.['image-end-offset'];
  const { size: sizeBytes } = await stat(path);
  if (format !== 'ploop' || typeof endBytes !== 'number' || endBytes <= sizeBytes) return;
  throw new Refusal('INVALID', `the file ends ${endBytes - sizeBytes} bytes before its last block does`, {
    hint: HINT_COPY_AGAIN,
  });
}

const HINT_COPY_AGAIN = 'check it with `qemu-img check` where it was made, and copy it again';

const MAX_QUOTED = 200;

/** A failure of qemu-img in its own words, without paths of ours; anything else as it is. */
function unreadable(error: unknown, { path }: Conversion, what = 'qemu-img could not read it'): unknown {
  if (error instanceof SyntaxError) {
    return new Refusal('INVALID', 'qemu-img said nothing sensible of it', { cause: error });
  }
  if (!(error instanceof ProgramFailedError)) return error;
  const last = error.stderr.trim().split('\n').at(-1) ?? '';
  const words = last
    .replace(/^qemu-img: /, '')
    .replaceAll(/'?json:\{.*\}'?/g, 'the image')
    .replaceAll(path, 'the image')
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, MAX_QUOTED);
  return new Refusal('INVALID', `${what}: ${words === '' ? error.message : words}`, {
    hint: HINT_COPY_AGAIN,
    cause: error,
  });
}
