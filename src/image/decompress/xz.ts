import type { Confinement } from '../../confine/confinement.ts';
import { ProgramFailedError } from '../../confine/ending.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Growth } from './growth.ts';

/** `xz -9` needs 65 MiB; what was packed with a larger dictionary, of up to 1.5 GiB, is refused. */
const MEMORY_BYTES = 128 * 1024 ** 2;

/** Address space, of which the program and its libraries take a part. */
const ADDRESS_SPACE_BYTES = 2 * MEMORY_BYTES;

const MEMORY_REACHED = /memory usage limit reached/i;

export interface XzUnpacking {
  readonly source: AsyncIterable<Uint8Array>;
  readonly growth: Growth;
  readonly write: (bytes: Buffer) => Promise<void>;
  readonly confinement: Confinement;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Unpacks a file of one or more xz streams by a confined `xz`, which Node's zlib has no match for. INVALID when
 * it ends too soon, when anything else than padding follows, or a checksum does not match.
 */
export async function unpackXz({ source, growth, write, confinement, signal }: XzUnpacking): Promise<void> {
  try {
    await confinement.run({
      program: 'xz',
      args: [
        '--decompress',
        '--stdout',
        '--format=xz',
        '--threads=1',
        `--memlimit-decompress=${MEMORY_BYTES}`,
      ],
      packageName: 'xz-utils',
      limits: { memoryBytes: ADDRESS_SPACE_BYTES },
      signal,
      stdin: counted(source, growth),
      stdout: async (bytes) => {
        growth.add(bytes.length);
        await write(bytes);
      },
    });
  } catch (error) {
    throw error instanceof ProgramFailedError ? refusalOf(error) : error;
  }
}

/** Counts what xz is given, which is a little ahead of what it has unpacked. */
async function* counted(
  source: AsyncIterable<Uint8Array>,
  growth: Growth,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const bytes of source) {
    growth.readBytes += bytes.length;
    yield bytes;
  }
}

function refusalOf(error: ProgramFailedError): Refusal {
  if (MEMORY_REACHED.test(error.stderr)) {
    const mib = MEMORY_BYTES / 1024 ** 2;
    return new Refusal('INVALID', `unpacking it takes more than ${mib} MiB of memory`, {
      hint: 'pack it with `xz -9` at most',
      cause: error,
    });
  }
  const last = error.stderr.trim().split('\n').at(-1) ?? '';
  const why = last.replace(/^xz: (\(stdin\): )?/, '');
  return new Refusal('INVALID', `it is not a sound xz file: ${why === '' ? error.message : why}`, {
    hint: 'check it with `xz --test`, and copy it again',
    cause: error,
  });
}
