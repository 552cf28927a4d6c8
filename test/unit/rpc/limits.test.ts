import { describe, expect, it } from 'vitest';
import { callUnary } from '../../../src/rpc/calls.ts';
import type { Channel } from '../../../src/rpc/channel.ts';
import { Jobs, Stores } from '../../../src/rpc/proto.ts';
import { authority, gate, hubCredentials, refusalIn, serve } from './harness.ts';
import { callUpload, takingUpload } from './upload-call.ts';

const { caPem } = authority;
const as = async (name: string) => ({
  credentials: await authority.credentials({ kind: 'operator', name }),
});

/** A Jobs.Get that answers when it is let go, and tells how many are waiting. */
function held() {
  const release = gate();
  const state = { waiting: 0 };
  const Get = async () => {
    state.waiting++;
    await release.opened;
    return {};
  };
  return { Jobs: { Get }, state, release: () => release.open() };
}

const ask = (channel: Channel) => callUnary(channel, Jobs.Get, {});

describe('calls under way', () => {
  it('of one identity are limited over all its connections, and those of others are not held up', async () => {
    const { state, release, ...given } = held();
    await using bench = await serve(
      { ...given, Stores: { List: async () => ({}) } },
      { limits: { callsPerIdentity: 5 } },
    );
    const alice = [bench.channel(), bench.channel()] as const;
    const calls = Array.from({ length: 5 }, (_, index) => ask(alice[index % 2 === 0 ? 0 : 1]));
    await expect.poll(() => state.waiting).toBe(5);
    const refusal = await refusalIn(ask(alice[0]));
    expect(refusal).toMatchObject({
      code: 'RATE_LIMITED',
      message: 'operator/alice has 5 calls under way, which is as many as it may',
    });
    expect(refusal.hint).toBeDefined();
    expect(await callUnary(bench.channel(await as('bob')), Stores.List, {})).toEqual({ stores: [] });

    release();
    await Promise.all(calls);
    await ask(alice[1]);
    expect(bench.refused).toMatchObject([{ caller: { name: 'alice' }, refusal: { code: 'RATE_LIMITED' } }]);
  });

  it('free their places however they end', async () => {
    await using bench = await serve(
      {
        Jobs: {
          Get: (_request, { signal }) =>
            new Promise((_resolve, reject) => {
              signal.addEventListener('abort', () => reject(signal.reason));
            }),
        },
      },
      { limits: { callsPerIdentity: 1 } },
    );
    const channel = bench.channel();
    for (const [outcome, timeoutMs] of [
      ['CANCELLED', 5000],
      ['TIMEOUT', 50],
      ['CANCELLED', 5000],
      ['TIMEOUT', 50],
    ] as const) {
      const end = () => {
        const abort = new AbortController();
        if (outcome === 'CANCELLED') setTimeout(() => abort.abort(), 50);
        return refusalIn(callUnary(channel, Jobs.Get, {}, { signal: abort.signal, timeoutMs }));
      };
      // The server may hear of an end a little later than the caller.
      await expect.poll(async () => (await end()).code).toBe(outcome);
    }
  });

  it('that send a stream are fewer', async () => {
    let uploads = 0;
    const opened = gate();
    await using bench = await serve(
      {
        Images: {
          Upload: takingUpload(async () => {
            uploads++;
            await opened.opened;
            return { receivedBytes: 0 };
          }),
        },
        Jobs: { Get: async () => ({}) },
      },
      { limits: { uploadsPerIdentity: 2 } },
    );
    const channel = bench.channel();
    await using _one = callUpload(channel);
    await using _two = callUpload(channel);
    await expect.poll(() => uploads).toBe(2);
    await using third = callUpload(channel);
    expect(await refusalIn(third.finish())).toMatchObject({
      code: 'RATE_LIMITED',
      message: 'operator/alice has 2 uploads under way, which is as many as it may',
    });
    expect(await ask(channel)).toBeDefined();
    opened.open();
  });

  it('of those who show nothing are few, whatever their right', async () => {
    const { state, release, ...given } = held();
    await using bench = await serve(given, {
      rights: { '/entrepot.v1.Jobs/Get': 'enrol' },
      limits: { callsOfNobodyPerNetwork: 3 },
    });
    const channel = bench.channel({ credentials: { caPem } });
    const calls = [ask(channel), ask(channel), ask(channel)];
    await expect.poll(() => state.waiting).toBe(3);
    expect(await refusalIn(ask(channel))).toMatchObject({
      code: 'RATE_LIMITED',
      message: 'nobody known at 127.0.0.1 has 3 calls under way, which is as many as it may',
    });
    const known = ask(bench.channel());
    await expect.poll(() => state.waiting).toBe(4);
    release();
    await Promise.all([...calls, known]);
  });
});

describe('calls in a short time', () => {
  const rate = { perSecond: 20, burst: 5 };

  it('are limited for each identity, and answered again after a while', async () => {
    await using bench = await serve({ Jobs: { Get: async () => ({}) } }, { limits: { operatorRate: rate } });
    const channel = bench.channel();
    const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => ask(channel)));
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refused.length).toBeGreaterThanOrEqual(20);
    expect(refused[0]).toMatchObject({
      code: 'RATE_LIMITED',
      message: 'operator/alice calls too often: 20 calls a second are answered',
    });
    await ask(bench.channel(await as('bob')));
    await expect.poll(() => ask(channel).catch(() => undefined)).toBeDefined();
  });

  it('are limited for a network whose callers show nothing, or something wrong', async () => {
    await using bench = await serve({ Jobs: { Get: async () => ({}) } }, { limits: { nobodyRate: rate } });
    const codes = async (credentials: { caPem: string; bearer?: string }) => {
      const channel = bench.channel({ credentials });
      const refusals = await Promise.all(Array.from({ length: 10 }, () => refusalIn(ask(channel))));
      return new Set(refusals.map(({ code }) => code));
    };
    expect(await codes({ caPem, bearer: 'forged' })).toEqual(new Set(['UNAUTHENTICATED', 'RATE_LIMITED']));
    expect(await codes({ caPem })).toContain('RATE_LIMITED');
    await ask(bench.channel());
  });

  it('are more for an agent than for an operator', async () => {
    await using bench = await serve({ Jobs: { Get: async () => ({}) } }, { limits: { operatorRate: rate } });
    const channel = bench.channel({ credentials: hubCredentials });
    await Promise.all(Array.from({ length: 50 }, () => ask(channel)));
  });
});

describe('metadata', () => {
  const send = (channel: Channel, metadata: Record<string, string>) =>
    callUnary(channel, Stores.List, {}, { metadata });

  it('of a size a ticket needs passes', async () => {
    await using bench = await serve({
      Stores: { List: async (_request, { metadata }) => ({ stores: [{ id: metadata.get('x') ?? '' }] }) },
    });
    const ticket = 'x'.repeat(8 * 1024);
    expect(await send(bench.channel(), { x: ticket })).toMatchObject({ stores: [{ id: ticket }] });
  });

  it.each([
    ['too large', { x: 'x'.repeat(20 * 1024) }],
    [
      'too large in pieces',
      Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`x${index}`, 'x'.repeat(700)])),
    ],
    ['of too many headers', Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`x${index}`, 'x']))],
  ])('%s is refused, and harms nobody else', async (_, metadata) => {
    let calls = 0;
    await using bench = await serve({
      Stores: {
        List: async () => {
          calls++;
          return {};
        },
      },
    });
    const channel = bench.channel();
    expect(await refusalIn(send(channel, metadata))).toMatchObject({ code: 'RATE_LIMITED' });
    expect(calls).toBe(0);
    await send(channel, {});
  });
});
