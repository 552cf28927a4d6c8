import { hasAt, type Probe, UnacceptableError } from './probe.ts';

const MAGIC = Buffer.from('QED\0', 'latin1');

/** QEMU's format between qcow2's versions 2 and 3, given up since. */
export const qed: Probe = {
  format: 'qed',
  matches: (head) => hasAt(head, 0, MAGIC),
  read() {
    throw new UnacceptableError(
      'unsupported-format',
      'it is a QED image',
      'convert it first: `qemu-img convert -f qed -O qcow2 IMAGE NEW.qcow2`',
    );
  },
};
