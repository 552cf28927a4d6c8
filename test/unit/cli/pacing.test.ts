import { beforeEach, describe, expect, it } from 'vitest';
import { JsonProgress, PlainProgress } from '../../../src/cli/output/printers.ts';
import { FakeHub } from './run.ts';
import { endedJob, JOB_ID, job, OTHER_JOB_ID, queuedJob, store, task } from './samples.ts';

const TIMETABLE = 'Mon-Fri 08:00 20M, 18:00 200M, Sat-Sun off in Europe/Berlin';

let asked: unknown[];
beforeEach(() => {
  asked = [];
});

describe('a store', () => {
  const answering = () =>
    FakeHub.with({
      Stores: {
        List: async () => ({
          stores: [
            store({ id: 'dcn0', role: 'edge', rate: TIMETABLE, paused: true }),
            store({ rate: '20M' }),
          ],
        }),
        Set: async ({ id, rate }) => {
          asked.push(['set', id, rate]);
          return store({ id, rate: rate === 'off' ? '' : rate });
        },
        Pause: async ({ id }) => {
          asked.push(['pause', id]);
          return store({ id, paused: true });
        },
        Resume: async ({ id }) => {
          asked.push(['resume', id]);
          return store({ id, rate: '20M' });
        },
      },
    });

  it('gets a rate, and loses it', async () => {
    await using hub = await answering();
    expect((await hub.run('store', 'set', 'dcn0', '--rate', TIMETABLE)).stdout).toBe(
      `store dcn0 sends and is sent at most ${TIMETABLE}\n`,
    );
    expect((await hub.run('store', 'set', 'dcn0', '--rate', 'off')).stdout).toBe(
      'store dcn0 has no rate limit\n',
    );
    const json = await hub.run('store', 'set', 'dcn0', '--rate', '20M', '-o', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({ id: 'dcn0', rate: '20M', paused: false });
    expect(asked).toEqual([
      ['set', 'dcn0', TIMETABLE],
      ['set', 'dcn0', 'off'],
      ['set', 'dcn0', '20M'],
    ]);
  });

  it('is paused and resumed', async () => {
    await using hub = await answering();
    expect((await hub.run('store', 'pause', 'dcn0')).stdout).toBe(
      'store dcn0 is paused: no image data moves there or from there, and deletes go on\n' +
        'let it go on: entrepot store resume dcn0\n',
    );
    expect((await hub.run('store', 'resume', 'dcn0')).stdout).toBe(
      'store dcn0 sends and is sent at most 20M\n',
    );
    const json = await hub.run('store', 'pause', 'dcn0', '-o', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({ id: 'dcn0', rate: null, paused: true });
    expect(asked).toEqual([
      ['pause', 'dcn0'],
      ['resume', 'dcn0'],
      ['pause', 'dcn0'],
    ]);
  });

  it('is listed with both', async () => {
    await using hub = await answering();
    const { stdout } = await hub.run('store', 'list');
    expect(stdout).toContain(`online (paused)  2026-11-20 12:00:00Z  ${TIMETABLE}  `);
    expect(stdout).toMatch(/online {11}2026-11-20 12:00:00Z {2}20M /);
    expect(JSON.parse((await hub.run('store', 'list', '-o', 'json')).stdout)).toMatchObject([
      { rate: TIMETABLE, paused: true },
      { rate: '20M', paused: false },
    ]);
  });

  it.each([['set', 'dcn0'], ['set', 'DCN0', '--rate', '20M'], ['pause'], ['resume', 'a/b']])(
    'is not asked of the hub in a wrong way: %j %j',
    async (...args) => {
      await using hub = await answering();
      expect(await hub.run('store', ...args)).toMatchObject({ code: 2, stdout: '' });
      expect(asked).toEqual([]);
    },
  );
});

describe('a job', () => {
  const answering = () =>
    FakeHub.with({
      Jobs: {
        SetRate: async (request) => {
          asked.push(request);
          return job({ rate: request.rate, lane: 'demand' });
        },
        Pause: async ({ jobId }) => {
          asked.push(['pause', jobId]);
          return job({ paused: true });
        },
        Resume: async ({ jobId }) => {
          asked.push(['resume', jobId]);
          return job();
        },
        List: async () => ({ jobs: [job({ paused: true, lane: 'background', rate: '5M' })] }),
        Get: async () => job({ paused: true, lane: 'background', rate: '5M' }),
      },
    });

  it('gets a rate, is paused and resumed', async () => {
    await using hub = await answering();
    expect((await hub.run('job', 'set', JOB_ID, '--rate', '5M')).stdout).toBe(
      `job ${JOB_ID} (copy) is running, at most 5M, in lane demand\n`,
    );
    expect((await hub.run('job', 'pause', JOB_ID)).stdout).toBe(`job ${JOB_ID} (copy) is running, paused\n`);
    const resumed = await hub.run('job', 'resume', JOB_ID, '-o', 'json');
    expect(JSON.parse(resumed.stdout)).toMatchObject({ paused: false, rate: null, lane: 'normal' });
    expect(asked).toEqual([{ jobId: JOB_ID, rate: '5M' }, ['pause', JOB_ID], ['resume', JOB_ID]]);
  });

  it('is listed and shown with all of it', async () => {
    await using hub = await answering();
    expect((await hub.run('job', 'list')).stdout).toContain(
      'running (paused)      -  background  5M    dcn0 ',
    );
    const { stdout } = await hub.run('job', 'show', JOB_ID);
    expect(stdout).toContain('state         running (paused)\nlane          background\nrate          5M\n');
  });

  it('that waits for a paused one says so', async () => {
    const ahead = [{ id: OTHER_JOB_ID, kind: 'copy', state: 'running', paused: true }];
    await using hub = await FakeHub.with({ Jobs: { Cancel: async () => queuedJob({ ahead }) } });
    expect((await hub.run('job', 'cancel', JOB_ID)).stdout).toBe(
      `job ${JOB_ID} (copy) is queued, 1 before it: ${OTHER_JOB_ID} (copy, running, paused)\n`,
    );
  });
});

describe('a watcher', () => {
  const paused = job({ paused: true, tasks: [task({ reason: 'the job is paused' })] });

  it('is told that the job stands still, and when it goes on', () => {
    let text = '';
    const printer = new PlainProgress({ write: (written: string) => (text += written) }, () => 0);
    printer.show({ job: job(), lines: [] });
    printer.show({ job: paused, lines: [] });
    printer.show({ job: job(), lines: [] });
    printer.show({ job: endedJob({ lane: 'demand', rate: '5M' }), lines: [] });
    expect(text.split('\n')).toEqual([
      `job ${JOB_ID} (copy) is running`,
      `job ${JOB_ID} (copy) is running, paused`,
      `job ${JOB_ID} (copy) is running`,
      `job ${JOB_ID} (copy) succeeded`,
      '',
    ]);
  });

  it('gets a line of JSON for each such change', () => {
    const lines: string[] = [];
    const printer = new JsonProgress({ write: (written: string) => lines.push(written) }, () => 0);
    for (const one of [job(), job(), paused, job({ rate: '5M' }), job({ lane: 'demand' })]) {
      printer.show({ job: one, lines: [] });
    }
    expect(lines.map((line) => JSON.parse(line).progress)).toMatchObject([
      { paused: false, rate: null, lane: 'normal' },
      { paused: true },
      { paused: false, rate: '5M' },
      { rate: null, lane: 'demand' },
    ]);
  });
});
