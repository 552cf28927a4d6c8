import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { callDuplex, callUnary } from '../../../src/rpc/calls.ts';
import type { CallContext, Handlers } from '../../../src/rpc/handlers.ts';
import { Agents, Images, Jobs, Stores, type StoresService } from '../../../src/rpc/proto.ts';
import { currentFields } from '../../../src/telemetry/request-context.ts';
import { HUB, type Identity } from '../../../src/trust/identity.ts';
import { authority, collect, hubCredentials, refusalIn, serve, TOKEN } from './harness.ts';
import { callUpload } from './upload-call.ts';

const COPY = '/entrepot.v1.Images/Copy';
const operator = (name: string): Identity => ({ kind: 'operator', name });
const as = async (identity: Identity) => ({ credentials: await authority.credentials(identity) });
const { caPem } = authority;

const NOT_YOURS = new Refusal('FORBIDDEN', 'that is the image of bert', { rule: 'R11' });

describe('the caller of a method', () => {
  it.each([
    ['an operator', operator('member'), { kind: 'operator', name: 'member', role: 'member' }],
    ['an agent', { kind: 'store', storeId: 'dcn0' } as const, { kind: 'store', storeId: 'dcn0' }],
    ['the hub', HUB, { kind: 'hub' }],
  ])('is known to its handler by its certificate: %s', async (_, identity, expected) => {
    const seen = Promise.withResolvers<CallContext>();
    await using bench = await serve({
      Jobs: {
        Get: async (_request, context) => {
          seen.resolve(context);
          return {};
        },
      },
    });
    await callUnary(bench.channel(await as(identity)), Jobs.Get, {});
    expect((await seen.promise).caller).toEqual(expected);
  });

  it('is known by its token, which its handler does not see', async () => {
    const seen = Promise.withResolvers<CallContext>();
    await using bench = await serve({
      Jobs: {
        Get: async (_request, context) => {
          seen.resolve(context);
          return {};
        },
      },
    });
    await callUnary(bench.channel({ credentials: { caPem, bearer: TOKEN } }), Jobs.Get, {});
    const { caller, metadata } = await seen.promise;
    expect(caller).toMatchObject({ name: 'bearer' });
    expect(metadata.get('authorization')).toBeUndefined();
  });

  it('is its own, among many at once on many connections', async () => {
    await using bench = await serve({
      Jobs: {
        Get: async (_request, { caller }) => {
          await new Promise((resolve) => setImmediate(resolve));
          return { id: caller.kind === 'operator' ? caller.name : caller.kind };
        },
      },
    });
    const names = ['anna', 'bert', 'carl', 'dora'];
    const channels = await Promise.all(names.map(async (name) => bench.channel(await as(operator(name)))));
    const asked = Array.from({ length: 80 }, (_, index) => index % names.length);
    const answers = await Promise.all(
      asked.map((index) => callUnary(channels[index] as (typeof channels)[number], Jobs.Get, {})),
    );
    expect(answers.map(({ id }) => id)).toEqual(asked.map((index) => names[index]));
  });

  it('and its address stand in the fields of the work', async () => {
    await using bench = await serve({
      Jobs: {
        Get: async () => {
          const { caller, peer } = currentFields();
          return { id: `${caller} ${peer}` };
        },
      },
    });
    expect((await callUnary(bench.channel(), Jobs.Get, {})).id).toMatch(/^operator\/alice 127\.0\.0\.1:\d+$/);
    expect(bench.lines.at(-1)).toMatchObject({
      caller: 'operator/alice',
      peer: expect.stringContaining(':'),
    });
  });
});

describe('a call that is refused', () => {
  it('for a missing right names it, is logged, counted and told of, and its handler never hears of it', async () => {
    let calls = 0;
    const Copy = async () => ({ joined: calls++ === 0 });
    await using bench = await serve({ Images: { Copy } }, { rights: { [COPY]: 'change' } });
    const channel = bench.channel(await as(operator('reader')));
    const refusal = await refusalIn(callUnary(channel, Images.Copy, {}));
    expect(refusal).toMatchObject({
      code: 'FORBIDDEN',
      message: 'reader (reader) may not call Images.Copy: it needs the role member or admin',
    });
    expect(calls).toBe(0);
    expect(bench.refused).toMatchObject([
      {
        caller: { name: 'reader' },
        method: COPY,
        refusal: { code: 'FORBIDDEN' },
        requestId: expect.any(String),
      },
    ]);
    expect(bench.lines).toMatchObject([
      { level: 'info', caller: 'operator/reader', code: 'FORBIDDEN', requestId: bench.refused[0]?.requestId },
    ]);
    const series = 'grpc_service="entrepot.v1.Images",grpc_method="Copy",code="FORBIDDEN"';
    expect(await bench.registry.metrics()).toContain(`entrepot_requests_refused_total{${series}} 1`);
    const member = bench.channel(await as(operator('member')));
    expect(await callUnary(member, Images.Copy, {})).toMatchObject({ joined: true });
  });

  it.each([
    ['unknown', 'entrepot-api-forged', 'the token is not known'],
    ['not one', 'two words', 'the authorization header holds no bearer token'],
  ])('for a bearer token that is %s says so, without the token', async (_, bearer, message) => {
    await using bench = await serve({ Jobs: { Get: async () => ({}) } });
    const refusal = await refusalIn(
      callUnary(bench.channel({ credentials: { caPem, bearer } }), Jobs.Get, {}),
    );
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED', message });
    expect(bench.refused).toMatchObject([{ caller: { kind: 'nobody' } }]);
    expect(JSON.stringify(bench.lines)).not.toContain(bearer);
  });

  it('is refused whatever its kind, before its first message', async () => {
    const never = () => Promise.reject(new Error('not to be called'));
    await using bench = await serve({ Images: { Upload: never }, Agents: { Attach: never } });
    const channel = bench.channel({ credentials: { caPem } });
    await using upload = callUpload(channel);
    expect(await refusalIn(upload.finish())).toMatchObject({ code: 'UNAUTHENTICATED' });
    await using attach = callDuplex(channel, Agents.Attach);
    expect(await refusalIn(collect(attach.messages))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(bench.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('by its handler is told of too', async () => {
    await using bench = await serve({ Jobs: { Get: () => Promise.reject(NOT_YOURS) } });
    await refusalIn(callUnary(bench.channel(), Jobs.Get, {}));
    expect(bench.refused).toMatchObject([{ caller: { name: 'alice' }, refusal: { rule: 'R11' } }]);
    expect(bench.lines).toHaveLength(1);
  });

  it('is answered also when it cannot be recorded', async () => {
    const onRefused = () => {
      throw new Error('the disk is full');
    };
    const settings = { onRefused, rights: { [COPY]: 'change' } as const };
    await using bench = await serve({ Jobs: { Get: () => Promise.reject(NOT_YOURS) } }, settings);
    const reader = bench.channel(await as(operator('reader')));
    expect(await refusalIn(callUnary(reader, Images.Copy, {}))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await refusalIn(callUnary(reader, Jobs.Get, {}))).toMatchObject({ code: 'FORBIDDEN' });
    expect(bench.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { method: COPY, err: { message: 'the disk is full' } },
      { method: '/entrepot.v1.Jobs/Get' },
    ]);
  });

  it('for other reasons is nobody else’s business', async () => {
    await using bench = await serve({
      Jobs: { Get: () => Promise.reject(new Refusal('NOT_FOUND', 'no job')) },
    });
    await refusalIn(callUnary(bench.channel(), Jobs.Get, {}));
    expect(bench.refused).toEqual([]);
  });

  it('again and again is counted each time, and told of a few times', async () => {
    await using bench = await serve({}, { rights: { [COPY]: 'change' } });
    const channel = bench.channel(await as(operator('reader')));
    for (let count = 0; count < 60; count++) await refusalIn(callUnary(channel, Images.Copy, {}));
    expect(await bench.registry.metrics()).toMatch(/entrepot_requests_refused_total\{.*"FORBIDDEN"\} 60/);
    expect(bench.refused.length).toBeGreaterThanOrEqual(20);
    expect(bench.refused.length).toBeLessThan(40);
    expect(bench.lines).toHaveLength(bench.refused.length);
  });
});

describe('rights', () => {
  it('are asked of every method there is, those of health and reflection included', async () => {
    await using bench = await serve({}, { rights: { [COPY]: 'change' } });
    const methods = bench.server.methods();
    expect(methods).toContainEqual({ path: COPY, right: 'change' });
    for (const path of [
      '/grpc.health.v1.Health/Check',
      '/grpc.health.v1.Health/Watch',
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
    ]) {
      expect(methods).toContainEqual({ path, right: 'known' });
    }
    const services = [Images, Jobs, Stores, Agents];
    const paths = services.flatMap((service) => Object.values(service)).map(({ path }) => path);
    expect(methods.map(({ path }) => path)).toEqual(expect.arrayContaining(paths));
  });

  it('of health are asked for', async () => {
    await using bench = await serve({});
    const health = (credentials: object) =>
      new Promise((resolve) => {
        const identity = (message: Buffer) => message;
        bench
          .channel({ credentials: { caPem, ...credentials } })
          .client.makeUnaryRequest(
            '/grpc.health.v1.Health/Check',
            identity,
            identity,
            Buffer.alloc(0),
            (error) => resolve(error?.code ?? 0),
          );
      });
    expect(await health({})).toBe(16);
    expect(await health(hubCredentials)).toBe(0);
  });

  it('do not hide which methods there are not', async () => {
    await using bench = await serve({});
    const code = await new Promise((resolve) => {
      const identity = (message: Buffer) => message;
      bench
        .channel({ credentials: { caPem } })
        .client.makeUnaryRequest(
          '/entrepot.v1.Images/Nonsense',
          identity,
          identity,
          Buffer.alloc(0),
          (error) => resolve(error?.code),
        );
    });
    expect(code).toBe(12);
  });

  it('left out for a method do not compile', async () => {
    await using bench = await serve({});
    const most = {
      List: 'read',
      Add: 'administer',
      Revoke: 'administer',
      Set: 'administer',
      Pause: 'administer',
      Resume: 'administer',
    } as const;
    const all = { ...most, Remove: 'administer' } as const;
    const handlers = {} as Handlers<StoresService>;
    const add = () => {
      bench.server.add(Stores, handlers, all);
      // @ts-expect-error a method has no right
      bench.server.add(Stores, handlers, most);
    };
    expect(add).toThrow();
  });
});
