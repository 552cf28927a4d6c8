import { partitionTable } from './partition-table.ts';
import type { Probe } from './probe.ts';

/** Whatever no other format is found in: the bytes are the disk. */
export const raw: Probe = {
  format: 'raw',
  matches: () => true,
  read: (head) => ({ virtualSizeBytes: 'file', variant: partitionTable(head) }),
};
