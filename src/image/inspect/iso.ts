import { partitionTable } from './partition-table.ts';
import { hasAt, type Probe, part } from './probe.ts';

const SECTOR_BYTES = 2048;
/** The sectors before are the system's: a hybrid has its boot code and partition table there. */
const FIRST_DESCRIPTOR = 16 * SECTOR_BYTES;

/** Of a volume descriptor: ISO 9660's, and the first of UDF alone. */
const CD001 = Buffer.from('CD001');
const BEA01 = Buffer.from('BEA01');
const NSR = ['NSR02', 'NSR03'].map((name) => Buffer.from(name));

/** An optical disc (ECMA-119, ECMA-167), also as a hybrid that boots from a stick: with an MBR, or a GPT. */
export const iso: Probe = {
  format: 'iso',
  matches: (head) => hasAt(head, FIRST_DESCRIPTOR + 1, CD001) || isUdf(head),
  read(head) {
    part(head, FIRST_DESCRIPTOR, SECTOR_BYTES, 'first volume descriptor');
    return { virtualSizeBytes: 'file', variant: partitionTable(head) };
  },
};

function isUdf(head: Buffer): boolean {
  const second = FIRST_DESCRIPTOR + SECTOR_BYTES;
  return hasAt(head, FIRST_DESCRIPTOR + 1, BEA01) && NSR.some((name) => hasAt(head, second + 1, name));
}
