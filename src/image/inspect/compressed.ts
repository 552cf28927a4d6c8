import { hasAt, type Probe, UnacceptableError } from './probe.ts';
import type { FoundFormat } from './verdict.ts';

/** With the one method of compression there is: two bytes alone would be found in too much else. */
export const gzip = compressed('gzip', Buffer.from([0x1f, 0x8b, 0x08]));
export const zstd = compressed('zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd]));
export const xz = compressed('xz', Buffer.from('\xfd7zXZ\0', 'latin1'));

/** An archive with an entry, an empty one, and the first part of several. */
const ZIP_MAGICS = ['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08'].map((magic) => Buffer.from(magic, 'latin1'));

export const zip: Probe = {
  format: 'zip',
  matches: (head) => ZIP_MAGICS.some((magic) => hasAt(head, 0, magic)),
  read() {
    throw new UnacceptableError(
      'unsupported-format',
      'it is a zip archive',
      'unpack it, and import the image that is in it, compressed by gzip, zstd or xz if at all',
    );
  },
};

function compressed(format: FoundFormat, magic: Buffer): Probe {
  return {
    format,
    matches: (head) => hasAt(head, 0, magic),
    read: () => ({ virtualSizeBytes: undefined }),
  };
}
