import type { ContainerFormat, DiskFormat, FoundFormat } from '../domain/image.ts';
import { Refusal } from '../domain/refusal.ts';
import { type ConvertibleFormat, isConvertible } from './convert/qemu-source.ts';
import { requireFormat } from './inspect/require-format.ts';
import {
  type AcceptedFile,
  type Compression,
  type InspectionLimits,
  isCompression,
} from './inspect/verdict.ts';

/** How files are taken in, by an agent's configuration. */
export interface EntryRules {
  readonly inspection: InspectionLimits;
  /** Whether a file must be of the format it was declared to be. */
  readonly requireMatch: boolean;
  /** Whether compressed files are unpacked, instead of refused. */
  readonly decompression: boolean;
  /** Whether disks of other formats become raw, instead of being kept as they are. */
  readonly conversion: boolean;
  /** Whether what headers say of a guest's machine is made properties of the image. */
  readonly introspection: boolean;
}

/** What an image's record says its file is. */
export type Declared = Pick<FoundFormat, 'diskFormat' | 'containerFormat'>;

/** What is done with a file that was looked at, and what the image is then. */
export type Entry =
  | { readonly do: 'keep'; readonly format: FoundFormat; readonly virtualSizeBytes: number | undefined }
  | { readonly do: 'decompress'; readonly compression: Compression }
  | {
      readonly do: 'convert';
      readonly from: ConvertibleFormat;
      readonly virtualSizeBytes: number;
      readonly format: FoundFormat;
    };

/** Containers whose inside is not ours to look into: archives, layers, and boot files that are not disks. */
const OPAQUE: ReadonlySet<string> = new Set<ContainerFormat>(['ova', 'ovf', 'docker', 'aki', 'ari', 'ami']);

/** Whether what is in the file is not looked at: it is kept as it is, whatever that may be. */
export function isOpaque(containerFormat: string): boolean {
  return OPAQUE.has(containerFormat);
}

/**
 * What becomes of a file. `found`: what the inspection said of it; undefined for one that is opaque. INVALID when it
 * is not what it was declared to be, UNSUPPORTED when the configuration leaves no way to take it in.
 */
export function decideEntry(found: AcceptedFile | undefined, declared: Declared, rules: EntryRules): Entry {
  if (found === undefined) {
    return { do: 'keep', format: { ...declared, properties: {} }, virtualSizeBytes: undefined };
  }
  if (isCompression(found.format) && !isBootFile(declared)) return unpacked(found.format, rules);
  const { format, virtualSizeBytes } = found;
  if (rules.requireMatch) requireFormat(found, declared.diskFormat);
  const properties = rules.introspection ? found.properties : {};
  const containerFormat = declared.containerFormat === 'compressed' ? 'bare' : declared.containerFormat;
  if (!isConvertible(format)) {
    const diskFormat = format === 'iso' ? 'iso' : keptAs(declared.diskFormat);
    return { do: 'keep', format: { diskFormat, containerFormat, properties }, virtualSizeBytes };
  }
  if (!rules.conversion) {
    return { do: 'keep', format: { diskFormat: format, containerFormat, properties }, virtualSizeBytes };
  }
  if (virtualSizeBytes === undefined) throw new Refusal('INTERNAL', `a ${format} disk of no known size`);
  return {
    do: 'convert',
    from: format,
    virtualSizeBytes,
    format: { diskFormat: 'raw', containerFormat, properties },
  };
}

/** What the image is when its bytes are kept as they come. As `decideEntry`, and INVALID when they cannot be kept so. */
export function requireKept(
  found: AcceptedFile | undefined,
  declared: Declared,
  rules: EntryRules,
): Extract<Entry, { do: 'keep' }> {
  const entry = decideEntry(found, declared, rules);
  if (entry.do === 'keep') return entry;
  throw new Refusal('INVALID', `the file is ${found?.format}, which has to be unpacked or converted first`, {
    hint: 'bring it in with `entrepot image stage` and `entrepot image import`, or as `image create --file` does',
  });
}

/** After a compressed file was unpacked: as `decideEntry`, and INVALID when there is another one in it. */
export function decideInner(
  found: AcceptedFile | undefined,
  declared: Declared,
  rules: EntryRules,
): Exclude<Entry, { do: 'decompress' }> {
  const entry = decideEntry(found, declared, rules);
  if (entry.do !== 'decompress') return entry;
  throw new Refusal(
    'INVALID',
    `there is another compressed file (${entry.compression}) in the compressed file`,
    {
      hint: 'unpack it before it is imported',
    },
  );
}

function unpacked(compression: Compression, rules: EntryRules): Entry {
  if (rules.decompression) return { do: 'decompress', compression };
  throw new Refusal('UNSUPPORTED', `the file is compressed (${compression}), and this site does not unpack`, {
    hint: 'unpack it first, or set `imports.decompression` in the configuration of the agent',
  });
}

/** Kernels and ramdisks are often compressed in themselves, and handed to a guest as they are. */
function isBootFile({ diskFormat }: Declared): boolean {
  return diskFormat === 'aki' || diskFormat === 'ari';
}

/** A file that is raw in itself, where it was declared as something else and that is let pass. */
function keptAs(declared: DiskFormat): DiskFormat {
  return declared === 'aki' || declared === 'ari' || declared === 'ami' ? declared : 'raw';
}
