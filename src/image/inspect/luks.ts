import {
  badHeader,
  HINT_COPY_AGAIN,
  hasAt,
  type Probe,
  part,
  UnacceptableError,
  unknownVersion,
} from './probe.ts';

const MAGIC = Buffer.from('LUKS\xba\xbe', 'latin1');

const V1_HEADER_BYTES = 592;
/** The binary part; JSON follows, and only that says where the disk begins. */
const V2_HEADER_BYTES = 4096;

const SECTOR_BYTES = 512;

/** An encrypted disk by itself, stored as it is (LUKS1 and LUKS2 on-disk format specifications). */
export const luks: Probe = {
  format: 'luks',
  matches: (head) => hasAt(head, 0, MAGIC),
  read(head, { allowLuks }) {
    if (!allowLuks) {
      throw new UnacceptableError(
        'encrypted',
        'the disk is encrypted (LUKS)',
        'decrypt it first, or allow LUKS in the configuration',
      );
    }
    const version = part(head, 0, 8, 'LUKS header').readUInt16BE(6);
    if (version === 2) {
      part(head, 0, V2_HEADER_BYTES, 'LUKS header');
      return { virtualSizeBytes: undefined, variant: '2' };
    }
    if (version !== 1) throw unknownVersion('LUKS version', version);
    const payloadOffset = part(head, 0, V1_HEADER_BYTES, 'LUKS header').readUInt32BE(104) * SECTOR_BYTES;
    if (payloadOffset < V1_HEADER_BYTES) throw badHeader('the encrypted disk begins within its LUKS header');
    return {
      virtualSizeBytes: undefined,
      variant: '1',
      atEnd: ({ sizeBytes }) => ({ virtualSizeBytes: payloadBytes(sizeBytes, payloadOffset) }),
    };
  },
};

function payloadBytes(sizeBytes: number, payloadOffset: number): bigint {
  if (sizeBytes >= payloadOffset) return BigInt(sizeBytes - payloadOffset);
  throw new UnacceptableError('truncated', 'the file ends before the encrypted disk begins', HINT_COPY_AGAIN);
}
