import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { callDuplex, callUnary } from '../../../src/rpc/calls.ts';
import { Agents, Jobs } from '../../../src/rpc/proto.ts';
import type { Identity } from '../../../src/trust/identity.ts';
import { authority, collect, gate, refusalIn, serve } from './harness.ts';

const as = async (identity: Identity) => ({ credentials: await authority.credentials(identity) });

describe('calls under way', () => {
  it('of one identity end for good when they are aborted, those of others go on', async () => {
    const started = [gate(), gate()];
    let count = 0;
    await using bench = await serve({
      Agents: {
        Attach: async (messages, write) => {
          for await (const _ of messages) {
            started[count++]?.open();
            await write({});
          }
        },
      },
    });
    const store = (storeId: string): Identity => ({ kind: 'store', storeId });
    await using first = callDuplex(bench.channel(await as(store('dcn0'))), Agents.Attach);
    await using second = callDuplex(bench.channel(await as(store('dcn1'))), Agents.Attach);
    await first.write({ heartbeat: {} });
    await second.write({ heartbeat: {} });
    await Promise.all(started.map(({ opened }) => opened));
    const reading = refusalIn(collect(first.messages));
    const reason = new Refusal('UNAUTHENTICATED', 'store dcn0 has been revoked', { hint: 'join again' });
    const ended = bench.server.abortCalls(
      (caller) => caller.kind === 'store' && caller.storeId === 'dcn0',
      reason,
    );
    expect(ended).toBe(1);
    expect(await reading).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: reason.message,
      hint: 'join again',
    });
    expect(bench.refused).toMatchObject([{ caller: { storeId: 'dcn0' } }]);

    const answers = second.messages[Symbol.asyncIterator]();
    expect((await answers.next()).done).toBe(false);
    await second.write({ heartbeat: {} });
    expect((await answers.next()).done).toBe(false);
  });

  it('whose handler does not listen are cut off all the same', async () => {
    const started = gate();
    await using bench = await serve(
      {
        Jobs: {
          Get: () => {
            started.open();
            return new Promise(() => {});
          },
        },
      },
      { limits: { abortMs: 100 } },
    );
    const call = refusalIn(callUnary(bench.channel(), Jobs.Get, {}));
    await started.opened;
    expect(bench.server.abortCalls(() => true, new Refusal('UNAUTHENTICATED', 'revoked'))).toBe(1);
    expect(await call).toMatchObject({ code: 'UNAUTHENTICATED', message: 'revoked' });
  });

  it('of the libraries end too', async () => {
    await using bench = await serve({});
    const identity = (message: Buffer) => message;
    const watch = bench
      .channel()
      .client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', identity, identity, Buffer.alloc(0));
    const ended = new Promise<{ code: number }>((resolve) => watch.on('error', resolve as never));
    await new Promise((resolve) => watch.once('data', resolve));
    expect(bench.server.abortCalls(() => true, new Refusal('UNAUTHENTICATED', 'revoked'))).toBe(1);
    expect((await ended).code).toBe(16);
  });
});
