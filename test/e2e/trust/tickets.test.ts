import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { callDuplex, callServerStream, callUnary } from '../../../src/rpc/calls.ts';
import { bulkChannel, type Channel, controlChannel } from '../../../src/rpc/channel.ts';
import type { HubMessage__Output } from '../../../src/rpc/generated/entrepot/v1/HubMessage.ts';
import { TICKET_KEY } from '../../../src/rpc/limits.ts';
import { Agents, Transfer } from '../../../src/rpc/proto.ts';
import { type Credentials, loadCredentials } from '../../../src/trust/credentials.ts';
import { HUB } from '../../../src/trust/identity.ts';
import { metric } from '../../cloud/records.ts';
import { agentConfig, Bench } from '../helpers-file.ts';

/** A real hub and a real central agent; dcn0 and dcn1 are enrolled, and this test speaks for them. */
let bench: Bench;
let imageId: string;
let otherId: string;
let dcn0: Credentials;
let dcn1: Credentials;
/** What the hub gave to dcn1, for one image. */
let ticket: string;
/** The first connection it was shown on. */
let first: Channel;
/** What the hub says to dcn1. */
let told: AsyncIterator<HubMessage__Output>;
const ending = new AsyncDisposableStack();

beforeAll(async () => {
  bench = ending.use(await Bench.create());
  for (const name of ['hub', 'central']) bench.daemon(name).spawn();
  for (const name of ['hub', 'central']) await bench.daemon(name).ready();
  imageId = await bench.bring('stolen', await bench.sample('stolen', 16, 8));
  otherId = await bench.bring('other', await bench.sample('other', 16, 8));
  dcn0 = await loadCredentials(bench.cloud.credentialsOf('dcn0'));
  dcn1 = await loadCredentials(bench.cloud.credentialsOf('dcn1'));
  ticket = await takeTask();
}, 120_000);
afterAll(() => ending.disposeAsync());

/** Attaches as dcn1's agent, and takes a copy that it will never make. */
async function takeTask(): Promise<string> {
  const channel = ending.use(
    controlChannel({ address: bench.cloud.hubAddress, peer: 'the hub', credentials: dcn1, expect: HUB }),
  );
  const call = callDuplex(channel, Agents.Attach);
  ending.use(call);
  told = call.messages[Symbol.asyncIterator]();
  const pool = { driver: 'file', fsid: '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10', pool: 'images' };
  await call.write({ hello: { storeId: 'dcn1', version: '0', transferAddress: '127.0.0.1:1', ...pool } });
  await call.write({ inventory: { images: [], last: true } });
  await bench.copy(imageId, 'dcn1');
  for (;;) {
    const { done, value } = await told.next();
    if (done) throw new Error('the hub ended the stream');
    if (value.assign?.copy) return value.assign.copy.ticket;
  }
}

function central(credentials: Credentials): Channel {
  const { transfer } = agentConfig(bench.cloud, 'central')['listen'] as { transfer: string };
  const expect = { kind: 'store', storeId: 'central' } as const;
  return ending.use(bulkChannel({ address: transfer, peer: 'central', credentials, expect }));
}

async function pull(channel: Channel, given: string | undefined, image = imageId): Promise<string> {
  const runs = [{ firstChunk: 0, chunkCount: 1 }];
  const metadata: Record<string, string> = given === undefined ? {} : { [TICKET_KEY]: given };
  let bytes = 0;
  try {
    for await (const { data } of callServerStream(
      channel,
      Transfer.Pull,
      { imageId: image, runs },
      { metadata, timeoutMs: 20_000 },
    )) {
      bytes += data.byteLength;
    }
  } catch (error) {
    const { code, message } = Refusal.from(error);
    return `${code}: ${message}`;
  }
  return bytes > 0 ? 'served' : 'served nothing';
}

async function push(channel: Channel, given: string): Promise<string> {
  await using call = callDuplex(channel, Transfer.Push, {
    metadata: { [TICKET_KEY]: given },
    timeoutMs: 20_000,
  });
  await call.write({ hello: { taskId: '1', attempt: 1, imageId } });
  try {
    for await (const _ of call.messages) return 'taken';
  } catch (error) {
    const { code, message } = Refusal.from(error);
    return `${code}: ${message}`;
  }
  return 'ended';
}

describe('a ticket the hub gave to dcn1', () => {
  test('is good for nobody else', async () => {
    expect(await pull(central(dcn0), ticket)).toBe(
      'FORBIDDEN: the ticket is that of store dcn1, not of store dcn0',
    );
    const hub = await loadCredentials(bench.cloud.credentialsOf('hub'));
    expect(await pull(central(hub), ticket)).toBe(
      'FORBIDDEN: the ticket is that of store dcn1, not of the hub',
    );
    expect(await pull(central(await bench.cloud.operator()), ticket)).toMatch(/^FORBIDDEN: .*Pull/);
  });

  test('is good for no other image and no other direction', async () => {
    expect(await pull(central(dcn1), ticket, otherId)).toBe(
      `FORBIDDEN: the ticket is for image ${imageId}, not for ${otherId}`,
    );
    expect(await push(central(dcn1), ticket)).toBe('FORBIDDEN: the ticket is for a pull, not for a push');
  });

  test('is needed, and unchanged', async () => {
    expect(await pull(central(dcn1), undefined)).toMatch(/^UNAUTHENTICATED: .*ticket/);
    const [payload = '', signature, certificate] = ticket.split('.');
    const forged = Buffer.from(
      Buffer.from(payload, 'base64url').toString().replace(imageId, otherId),
    ).toString('base64url');
    expect(await pull(central(dcn1), [forged, signature, certificate].join('.'), otherId)).toBe(
      'UNAUTHENTICATED: the ticket was not signed by the hub, or was changed',
    );
  });

  test('serves its holder, on the connections of one copy only', async () => {
    const channels = Array.from({ length: 8 }, () => central(dcn1));
    for (const channel of [...channels, ...channels]) expect(await pull(channel, ticket)).toBe('served');
    expect(await pull(central(dcn1), ticket)).toBe(
      'UNAUTHENTICATED: the ticket is in use on other connections',
    );
    // The one who had it first is not harmed by the try.
    for (const channel of channels) expect(await pull(channel, ticket)).toBe('served');
    first = channels[0] as Channel;
  });

  test('is worth nothing once the store is revoked', async () => {
    // One it was good on: what is asked first is who was revoked.
    const channel = first;
    const { exitCode, stderr } = await bench.cloud.cli('store', 'revoke', 'dcn1');
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(await pull(channel, ticket)).toMatch(/^(UNAUTHENTICATED|FORBIDDEN): .*revoked/);
    // The stream to the hub has ended with the same word.
    const ended = await (async () => {
      while (!(await told.next()).done);
    })().catch((error: unknown) => Refusal.from(error));
    expect(ended?.message).toContain('revoked');
    await expect(callUnary(channel, Transfer.Renew, { ticket })).rejects.toThrow();
  });

  test('every refusal was counted by central', async () => {
    const text = await bench.daemon('central').metrics();
    const total = text
      .split('\n')
      .filter((line) => line.startsWith('entrepot_tickets_refused_total{'))
      .reduce((sum, line) => sum + metric(text, line.slice(0, line.lastIndexOf(' '))), 0);
    expect(total).toBeGreaterThanOrEqual(7);
  });
});
