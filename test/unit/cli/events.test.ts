import { describe, expect, it } from 'vitest';
import { FakeHub } from './run.ts';
import { event, IMAGE_ID, NOON_MS } from './samples.ts';

describe('event list', () => {
  const events = [
    event({ detailJson: '{"name":"debian\\u001b[2J","bytes":7}' }),
    event({ sequence: 2, kind: 'store.revoked', imageId: '', storeId: 'dcn0', outcome: 'FORBIDDEN' }),
    event({ sequence: 3, kind: 'copy.present', actor: 'hub', peer: '', requestId: '', storeId: 'dcn0' }),
  ];

  it('shows who did what, when, from where, and what came of it', async () => {
    const asked: unknown[] = [];
    await using hub = await FakeHub.with({
      Events: {
        List: async (request) => {
          asked.push({ ...request });
          return { events, hasMore: false };
        },
      },
    });
    const what = ['--image', IMAGE_ID.toUpperCase(), '--store', 'dcn0', '--actor', 'alice'];
    const when = ['--since', '2026-11-20T11:00:00Z', '--limit', '7'];
    const { code, stdout } = await hub.run('event', 'list', ...what, ...when);
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        `TIME                  ACTOR           FROM             KIND           IMAGE${' '.repeat(31)}  STORE  OUTCOME    REQUEST  DETAIL\n`,
        `2026-11-20 12:00:00Z  operator/alice  192.0.2.7:40112  image.created  ${IMAGE_ID}  -      done       req-1    name=debian\\u001b[2J bytes=7\n`,
        `2026-11-20 12:00:00Z  operator/alice  192.0.2.7:40112  store.revoked  -${' '.repeat(35)}  dcn0   FORBIDDEN  req-1\n`,
        `2026-11-20 12:00:00Z  hub             -                copy.present   ${IMAGE_ID}  dcn0   done       -\n`,
      ].join(''),
    );
    expect(asked).toEqual([
      {
        sinceMs: NOON_MS - 3_600_000,
        imageId: IMAGE_ID,
        storeId: 'dcn0',
        actor: 'operator/alice',
        afterSequence: 0,
        limit: 7,
      },
    ]);
  });

  it('is JSON for a script', async () => {
    await using hub = await FakeHub.with({ Events: { List: async () => ({ events, hasMore: false }) } });
    const { stdout } = await hub.run('event', 'list', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject([
      { sequence: 1, at: '2026-11-20T12:00:00.000Z', image_id: IMAGE_ID, detail: { bytes: 7 } },
      { outcome: 'FORBIDDEN', image_id: null, detail: null },
      { actor: 'hub', peer: null, request_id: null },
    ]);
  });

  it('asks for page after page, and for no more than it was told', async () => {
    const asked: string[] = [];
    await using hub = await FakeHub.with({
      Events: {
        List: async ({ afterSequence, limit, sinceMs }) => {
          asked.push(`${sinceMs} ${afterSequence} ${limit}`);
          const from = afterSequence + 1;
          const count = Math.min(limit, 2500 - afterSequence);
          const page = Array.from({ length: count }, (_, index) => event({ sequence: from + index }));
          return { events: page, hasMore: afterSequence + count < 2500 };
        },
      },
    });
    const all = await hub.run('event', 'list');
    expect(all.stdout.split('\n').length - 2).toBe(2500);
    expect(asked.splice(0)).toEqual(['0 0 1000', '0 1000 1000', '0 2000 1000']);
    const some = await hub.run('event', 'list', '--limit', '1200');
    expect(some.stdout.split('\n').length - 2).toBe(1200);
    expect(asked).toEqual(['0 0 1000', '0 1000 200']);
  });

  it('ends when a hub says that there is more and sends nothing, or the same again', async () => {
    let calls = 0;
    const given = (page: typeof events) => ({
      Events: {
        List: async () => {
          calls += 1;
          return { events: page, hasMore: true };
        },
      },
    });
    await using empty = await FakeHub.with(given([]));
    expect((await empty.run('event', 'list', '-o', 'json')).stdout).toBe('[]\n');
    expect(calls).toBe(1);
    await using same = await FakeHub.with(given(events));
    expect(JSON.parse((await same.run('event', 'list', '-o', 'json')).stdout).length).toBe(3);
  });

  it.each([
    ['--since', 'yesterday'],
    ['--image', 'debian'],
    ['--store', 'DCN0'],
    ['--actor', 'image/x'],
    ['--limit', '0'],
  ])('%s %s is a mistake, and no hub is asked', async (option, value) => {
    await using hub = await FakeHub.with({});
    expect(await hub.run('event', 'list', option, value)).toMatchObject({ code: 2, stdout: '' });
    expect(hub.presented).toEqual([]);
  });
});
