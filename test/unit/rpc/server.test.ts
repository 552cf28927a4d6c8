import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import { service as healthService, protoPath } from 'grpc-health-check';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { callDuplex, callServerStream, callUnary } from '../../../src/rpc/calls.ts';
import type { CallContext } from '../../../src/rpc/handlers.ts';
import { Agents, Jobs, Stores, Transfer } from '../../../src/rpc/proto.ts';
import { currentFields, withFields } from '../../../src/telemetry/request-context.ts';
import { Bench, collect, gate, refusalIn, serve } from './harness.ts';
import { callUpload, takingUpload } from './upload-call.ts';

describe('the context of a call', () => {
  it('has the request id of the caller, which calls inside pass on, and which is in every log line', async () => {
    await using inner = await serve({
      Stores: {
        List: async (_request, { log }) => {
          log.info('inner');
          return {};
        },
      },
    });
    await using outer = await serve({
      Jobs: {
        Get: async (_request, { requestId, log }) => {
          await callUnary(inner.channel(), Stores.List, {});
          log.info('outer');
          return { id: requestId };
        },
      },
    });
    const { id } = await withFields({ requestId: 'cli-1.2_3' }, () =>
      callUnary(outer.channel(), Jobs.Get, {}),
    );
    expect(id).toBe('cli-1.2_3');
    for (const bench of [inner, outer]) {
      expect(bench.lines.length).toBeGreaterThan(1);
      expect(bench.lines.every((line) => line['requestId'] === 'cli-1.2_3')).toBe(true);
    }
  });

  it.each(['', 'a b', 'x'.repeat(65), 'a/b'])('mints a request id instead of %j', async (given) => {
    await using bench = await serve({
      Jobs: { Get: async (_request, { requestId }) => ({ id: requestId }) },
    });
    const options = { metadata: { 'entrepot-request-id': given } };
    expect((await callUnary(bench.channel(), Jobs.Get, {}, options)).id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('keeps two calls at once apart', async () => {
    const both = gate();
    let arrived = 0;
    await using bench = await serve({
      Transfer: {
        Push: async (messages, write) => {
          for await (const _ of messages) {
            if (++arrived === 2) both.open();
            await both.opened;
            await write({ imageId: currentFields().requestId ?? '' });
          }
        },
      },
    });
    const ask = (requestId: string) =>
      withFields({ requestId }, async () => {
        await using push = callDuplex(bench.channel(), Transfer.Push);
        await push.write({ hello: { taskId: 't', attempt: 1, imageId: '' } });
        push.end();
        return (await collect(push.messages))[0]?.imageId;
      });
    expect(await Promise.all([ask('one'), ask('two')])).toEqual(['one', 'two']);
  });

  it('names the peer and the caller', async () => {
    const seen = Promise.withResolvers<CallContext>();
    await using bench = await serve({
      Jobs: {
        Get: async (_request, context) => {
          seen.resolve(context);
          return {};
        },
      },
    });
    await callUnary(bench.channel(), Jobs.Get, {});
    const { peer, caller } = await seen.promise;
    expect(peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(caller).toEqual({ kind: 'operator', name: 'alice', role: 'admin' });
  });
});

describe('what a handler does', () => {
  it('wrong is INTERNAL for the caller, one line with the stack in the log, and does not harm the server', async () => {
    await using bench = await serve({
      Jobs: {
        Get: () => {
          throw new TypeError('x is not a function');
        },
      },
    });
    const channel = bench.channel();
    for (let count = 0; count < 2; count++) {
      expect(await refusalIn(callUnary(channel, Jobs.Get, {}))).toMatchObject({ code: 'INTERNAL' });
    }
    const errors = bench.lines.filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(2);
    expect(JSON.stringify(errors[0]?.['err'])).toContain('server.test.ts');
  });

  it('after its call has ended is refused to it', async () => {
    const late = Promise.withResolvers<Refusal>();
    await using bench = await serve({
      Transfer: {
        Pull: async (_request, write) => {
          const frame = { offset: 0, data: Buffer.alloc(1), last: true };
          setImmediate(() => late.resolve(refusalIn(write(frame))));
        },
      },
    });
    await collect(callServerStream(bench.channel(), Transfer.Pull, {}));
    expect(await late.promise).toMatchObject({ code: 'CANCELLED', message: 'the call has ended' });
  });

  it('on a stream that is reset in the middle ends with CANCELLED while it reads', async () => {
    const arrived = gate();
    const ended = Promise.withResolvers<unknown>();
    await using bench = await serve({
      Images: {
        Upload: takingUpload(async (messages) => {
          const reading = (async () => {
            for await (const _ of messages) arrived.open();
          })();
          await reading.catch(ended.resolve);
          return { receivedBytes: 0 };
        }),
      },
    });
    const upload = callUpload(bench.channel());
    await upload.write({ offset: 0, data: Buffer.alloc(10), last: false });
    await arrived.opened;
    await upload[Symbol.asyncDispose]();
    expect(await ended.promise).toMatchObject({ code: 'CANCELLED', message: 'the caller has left' });
  });

  it('is counted in the standard series', async () => {
    await using bench = await serve({
      Jobs: {
        Get: () => Promise.reject(new Refusal('NOT_FOUND', 'no job')),
        Watch: async (_request, write) => {
          for (let count = 0; count < 3; count++) await write({ id: 'j' });
        },
      },
      Images: {
        Upload: takingUpload(async (messages) => ({ receivedBytes: (await collect(messages)).length })),
      },
    });
    const channel = bench.channel();
    await refusalIn(callUnary(channel, Jobs.Get, {}));
    await collect(callServerStream(channel, Jobs.Watch, {}));
    await using upload = callUpload(channel);
    for (let count = 0; count < 5; count++)
      await upload.write({ offset: 0, data: Buffer.alloc(1), last: true });
    await upload.finish();

    const text = await bench.registry.metrics();
    const labels = (type: string, service: string, method: string) =>
      `grpc_type="${type}",grpc_service="entrepot.v1.${service}",grpc_method="${method}"`;
    const get = labels('unary', 'Jobs', 'Get');
    const watch = labels('server_stream', 'Jobs', 'Watch');
    const up = labels('bidi_stream', 'Images', 'Upload');
    for (const line of [
      `grpc_server_started_total{${get}} 1`,
      `grpc_server_handled_total{${get},grpc_code="NotFound"} 1`,
      `grpc_server_msg_received_total{${get}} 1`,
      `grpc_server_msg_sent_total{${get}} 0`,
      `grpc_server_handled_total{${watch},grpc_code="OK"} 1`,
      `grpc_server_msg_sent_total{${watch}} 3`,
      `grpc_server_handled_total{${up},grpc_code="OK"} 1`,
      `grpc_server_msg_received_total{${up}} 5`,
      `grpc_server_msg_sent_total{${up}} 1`,
      `grpc_server_handling_seconds_count{${watch}} 1`,
      `grpc_server_started_total{${labels('bidi_stream', 'Agents', 'Attach')}} 0`,
    ]) {
      expect(text).toContain(line);
    }
  });
});

describe('a server', () => {
  it('whose port is in use says which, and what to do', async () => {
    await using bench = await serve({});
    const second = new Bench({}, { port: bench.port });
    const refusal = await refusalIn(second.start());
    expect(refusal.code).toBe('CONFLICT');
    expect(refusal.message).toBe(`hub cannot listen on 127.0.0.1:${bench.port}: the port is in use`);
    expect(refusal.hint).toContain('`listen`');
    await second[Symbol.asyncDispose]();
  });

  it('on an address that is not of this machine says so', async () => {
    const bench = new Bench({}, { host: '192.0.2.1' });
    expect(await refusalIn(bench.start())).toMatchObject({ code: 'INVALID' });
    await bench[Symbol.asyncDispose]();
  });

  it('that stops lets calls under way finish, and takes no more', async () => {
    const started = gate();
    const finish = gate();
    await using bench = await serve({
      Jobs: {
        Get: async () => {
          started.open();
          await finish.opened;
          return { id: 'finished' };
        },
      },
    });
    const call = callUnary(bench.channel(), Jobs.Get, {});
    await started.opened;
    const stopped = bench.server.stop(10_000);
    await expect
      .poll(() => refusalIn(callUnary(bench.channel(), Jobs.Get, {})))
      .toMatchObject({ code: 'UNAVAILABLE' });
    finish.open();
    expect((await call).id).toBe('finished');
    await stopped;
  });

  it('that stops ends calls that go on for ever, and tells their callers why', async () => {
    const attached = gate();
    await using bench = await serve({
      Agents: {
        Attach: async (messages) => {
          for await (const _ of messages) attached.open();
        },
      },
    });
    await using attach = callDuplex(bench.channel(), Agents.Attach);
    await attach.write({ heartbeat: {} });
    const reading = refusalIn(collect(attach.messages));
    await attached.opened;
    await bench.server.stop(50);
    expect(await reading).toMatchObject({ code: 'UNAVAILABLE', message: 'hub is stopping' });
  });

  it('that stops cuts off a handler that does not listen', async () => {
    const started = gate();
    await using bench = await serve({
      Jobs: {
        Get: () => {
          started.open();
          return new Promise(() => {});
        },
      },
    });
    const call = refusalIn(callUnary(bench.channel(), Jobs.Get, {}));
    await started.opened;
    const stopping = bench.server.stop(60_000);
    // The second call is the operator's second Ctrl-C.
    await bench.server.stop();
    await stopping;
    expect(await call).toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('tells its health, per service', async () => {
    await using bench = await serve({});
    const client = bench.channel().client;
    const check = (service: string) =>
      new Promise((resolve) => {
        const { path, requestSerialize, responseDeserialize } = healthService['Check'] as never as Check;
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, reply) =>
          resolve(error === null ? (reply as { status: string }).status : error.code),
        );
      });
    expect(await check('')).toBe('SERVING');
    expect(await check('entrepot.v1.Images')).toBe('SERVING');
    expect(await check('entrepot.v1.Nonsense')).toBe(5);
    bench.server.setServing(false, 'entrepot.v1.Images');
    expect(await check('entrepot.v1.Images')).toBe('NOT_SERVING');
    expect(await check('entrepot.v1.Jobs')).toBe('SERVING');
  });

  it('lists the services it has, and no others, by reflection', async () => {
    await using bench = await serve({});
    const client = bench.channel().client;
    // The reflection protocol is described beside the health one, by its own package.
    const proto = protoPath.replace(
      /grpc-health-check.*/,
      '@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto',
    );
    const service = loadSync(proto)['grpc.reflection.v1.ServerReflection'] as ServiceDefinition;
    const { path, requestSerialize, responseDeserialize } = service['ServerReflectionInfo'] as never as Check;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    call.write({ listServices: '' });
    const names = await new Promise<string[]>((resolve, reject) => {
      call.on('error', reject);
      call.on('data', (reply) => {
        resolve(reply.listServicesResponse.service.map(({ name }: { name: string }) => name));
        call.end();
      });
    });
    expect(names.sort()).toEqual(
      ['Agents', 'Images', 'Jobs', 'Stores', 'Transfer']
        .map((name) => `entrepot.v1.${name}`)
        .concat('grpc.health.v1.Health'),
    );
  });
});

interface Check {
  readonly path: string;
  readonly requestSerialize: (request: object) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}
