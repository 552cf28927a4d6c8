import { describe, expect, it } from 'vitest';
import { jobLines, lineText } from '../../../src/cli/output/progress.ts';
import { jobTrafficWords } from '../../../src/cli/output/traffic.ts';
import { jobText } from '../../../src/cli/output/views.ts';
import type { Task } from '../../../src/cli/wire.ts';
import { COMPRESSIONS } from '../../../src/domain/compression.ts';
import { endedJob, job, progress, task } from './samples.ts';

const MIB = 1024 * 1024;

function totals(more: Partial<NonNullable<Task['totals']>> = {}): NonNullable<Task['totals']> {
  const bytes = { receivedBytes: 64 * MIB, wireBytes: 30 * MIB, verifiedBytes: 64 * MIB };
  return {
    traffic: { ...bytes, holeBytes: 192 * MIB, resumedBytes: 8 * MIB },
    seconds: 4,
    compression: 'on',
    ...more,
  };
}

const text = (one: Task) => jobLines(job({ tasks: [one] })).map(lineText)[0];

describe('the line of a store', () => {
  it('says of a copy at work all there is to say', () => {
    const moving = progress({
      wireBytes: 15 * MIB,
      resumedBytes: 8 * MIB,
      compression: 'data-does-not-give-way',
    });
    expect(text(task({ progress: moving, totals: totals() }))).toBe(
      'dcn0 transferring 50%, 32 MiB of 64 MiB, 16 MiB/s, 2 s left, 15 MiB on the wire (2.1:1), ' +
        '192 MiB holes, 8 MiB resumed, compression off (the data does not give way)',
    );
  });

  it('says of one that stands still that it does, and by what', () => {
    const { remainingSeconds: _, ...still } = progress({ rateBytesPerSecond: 0, holeBytes: 0 });
    expect(text(task({ progress: still, reason: 'store dcn0 is paused' }))).toBe(
      'dcn0 transferring 50%, 32 MiB of 64 MiB, 0 B/s, 32 MiB on the wire: store dcn0 is paused',
    );
  });

  it('says of one that has ended what it came to', () => {
    expect(text(task({ state: 'done', progress: null, totals: totals() }))).toBe(
      'dcn0 done, 64 MiB received in 4 s (16 MiB/s), 30 MiB on the wire (2.1:1), 192 MiB holes, ' +
        '8 MiB resumed, compression on',
    );
  });

  it('says nothing of bytes where there were none', () => {
    const none = { receivedBytes: 0, wireBytes: 0, verifiedBytes: 0, holeBytes: 0, resumedBytes: 0 };
    const ended = totals({ traffic: none, compression: '' });
    expect(text(task({ kind: 'delete', state: 'done', progress: null, totals: ended }))).toBe('dcn0 done');
  });

  it.each([...COMPRESSIONS, 'something-newer'])('names the choice of compression: %s', (compression) => {
    const words = text(task({ progress: progress({ compression }) }));
    expect(words).toMatch(/, compression (on|off \([a-z ]+\)|something-newer)$/);
  });
});

describe('what a job moved', () => {
  it('is that of all attempts at all stores', () => {
    const again = task({
      totals: totals(),
      progress: progress({ receivedBytes: 10 * MIB, wireBytes: 10 * MIB }),
    });
    const done = task({ state: 'done', progress: null, totals: totals() });
    expect(jobTrafficWords(job({ tasks: [again, done] }))).toBe(
      '138 MiB received, 70 MiB on the wire (2.0:1)',
    );
    expect(jobTrafficWords(job({ tasks: [] }))).toBe('');
  });

  it('is shown after its end', () => {
    const ended = endedJob({ tasks: [task({ state: 'done', progress: null, totals: totals() })] });
    expect(jobText(ended)).toContain('traffic       64 MiB received, 30 MiB on the wire (2.1:1)\n');
  });
});
