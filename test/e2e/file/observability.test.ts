import { spawnSync } from 'node:child_process';
import { service as healthService } from 'grpc-health-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { notifier } from '../../../src/daemon/notify.ts';
import { DaemonProcess } from '../../cloud/daemon-process.ts';
import { rawClient } from '../../cloud/raw-client.ts';
import { metric } from '../../cloud/records.ts';
import { reflect } from '../../cloud/reflection.ts';
import { waitFor } from '../../cloud/wait.ts';
import { Datagrams } from '../../unit/daemon/datagrams.ts';
import { agentConfig, Bench, MIB } from '../helpers-file.ts';

const DAEMONS = ['hub', 'central', 'dcn0'];

let bench: Bench;
let sample: string;
let id: string;

beforeAll(async () => {
  bench = await Bench.start({ storeIds: ['central', 'dcn0'] });
  sample = await bench.sample('observed', 64, 24);
  id = await bench.bring('observed', sample, '--request-id', 'ticket-4711.import');
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});

afterEach(() => bench.line.release());

const scrape = (name: string) => bench.daemon(name).metrics();

test('a copy: its request id is in every log, its series are there while it runs, and its bytes add up', async () => {
  const before = new Map(await Promise.all(DAEMONS.map(async (name) => [name, await scrape(name)] as const)));
  bench.line.holdAfter(6 * MIB);
  const copy = bench.spawn(
    '--request-id',
    'ticket-4711.copy',
    'image',
    'copy',
    id,
    '--stores',
    'dcn0',
    '--wait',
  );
  await bench.line.held();
  const { dataBytes = 0, sizeBytes = 0 } = await bench.image(id);

  const labels = `{image="${id}",store="dcn0"}`;
  const edgeDone = `entrepot_agent_copy_done_bytes{image="${id}"}`;
  await waitFor('the first chunk', async () => metric(await scrape('dcn0'), edgeDone) > 0);
  const isInFlight = async () => (await scrape('hub')).includes(`entrepot_copy_done_bytes${labels} `);
  await waitFor('the hub to be told', isInFlight);
  const during = await scrape('hub');
  expect(metric(during, `entrepot_copy_size_bytes${labels}`)).toBe(dataBytes);
  expect(metric(during, `entrepot_copy_done_bytes${labels}`)).toBeLessThan(dataBytes);
  expect(metric(during, 'entrepot_copies{store="dcn0",state="copying"}')).toBe(1);
  expect(metric(during, 'entrepot_queue_jobs{kind="copy",state="running"}')).toBe(1);
  expect(metric(during, 'entrepot_queue_oldest_age_seconds{kind="copy"}')).toBeGreaterThan(0);
  const edge = await scrape('dcn0');
  expect(metric(edge, `entrepot_agent_copy_size_bytes{image="${id}"}`)).toBe(dataBytes);
  expect(edge).toContain('\nentrepot_agent_buffer_bytes ');
  expect(metric(edge, 'entrepot_agent_buffer_bytes')).toBeLessThanOrEqual(64 * MIB);

  bench.line.release();
  expect(await copy.exited).toMatchObject({ exitCode: 0 });

  const after = new Map(await Promise.all(DAEMONS.map(async (name) => [name, await scrape(name)] as const)));
  const grown = (name: string, series: string) =>
    metric(after.get(name) ?? '', series) - metric(before.get(name) ?? '', series);
  expect(after.get('hub')).not.toMatch(/^entrepot_copy_(done|size)_bytes\{/m);
  expect(after.get('dcn0')).not.toMatch(/^entrepot_agent_copy_(done|size)_bytes\{/m);
  expect(metric(after.get('dcn0') ?? '', 'entrepot_agent_buffer_bytes')).toBe(0);
  expect(metric(after.get('hub') ?? '', 'entrepot_copies{store="dcn0",state="present"}')).toBe(1);

  // The edge took from the wire what central put there; what it came to is what the hub counts as sent to the edge.
  const received = grown('dcn0', 'entrepot_agent_bytes_total{kind="received"}');
  expect(received).toBeGreaterThanOrEqual(24 * MIB);
  expect(received).toBeLessThanOrEqual(dataBytes);
  const wire = grown('dcn0', 'entrepot_agent_bytes_total{kind="wire"}');
  expect(wire).toBeLessThanOrEqual(received);
  expect(grown('central', 'entrepot_agent_bytes_total{kind="sent"}')).toBe(wire);
  expect(grown('hub', 'entrepot_transfer_bytes_total{store="dcn0",kind="wire"}')).toBe(wire);
  expect(grown('hub', 'entrepot_transfer_bytes_total{store="dcn0",kind="sent"}')).toBe(received);
  for (const [kind, bytes] of [
    ['hole', sizeBytes - dataBytes],
    ['resumed', 0],
    ['verified', dataBytes],
  ] as const) {
    expect(grown('dcn0', `entrepot_agent_bytes_total{kind="${kind}"}`), kind).toBe(bytes);
    expect(grown('hub', `entrepot_transfer_bytes_total{store="dcn0",kind="${kind}"}`), kind).toBe(bytes);
  }
  expect(grown('hub', 'entrepot_tasks_total{kind="copy",outcome="done",reason=""}')).toBe(1);
  expect(grown('dcn0', 'entrepot_agent_tasks_total{kind="copy",outcome="done",reason=""}')).toBe(1);
  expect(grown('hub', 'entrepot_transfer_duration_seconds_count{store="dcn0",kind="copy"}')).toBe(1);
  const handled = (type: string, service: string, method: string) =>
    `grpc_server_handled_total{grpc_type="${type}",grpc_service="entrepot.v1.${service}",grpc_method="${method}",grpc_code="OK"}`;
  expect(grown('hub', handled('unary', 'Images', 'Copy'))).toBe(1);
  expect(grown('hub', handled('server_stream', 'Jobs', 'Watch'))).toBe(1);
  expect(grown('central', handled('server_stream', 'Transfer', 'Pull'))).toBeGreaterThan(0);
  expect(
    grown(
      'hub',
      'grpc_server_handling_seconds_count{grpc_type="unary",grpc_service="entrepot.v1.Images",grpc_method="Copy"}',
    ),
  ).toBe(1);

  // The same request id, from the command over the hub and the edge to central.
  const said = (name: string) => bench.log(name).filter((line) => line['requestId'] === 'ticket-4711.copy');
  expect(said('hub')).toContainEqual(
    expect.objectContaining({
      msg: 'copy at dcn0 is done',
      imageId: id,
      storeId: 'dcn0',
      jobId: expect.any(String),
      taskId: expect.any(String),
    }),
  );
  expect(said('dcn0')).toContainEqual(
    expect.objectContaining({
      msg: 'copy done',
      imageId: id,
      storeId: 'dcn0',
      jobId: expect.any(String),
      taskId: expect.any(String),
    }),
  );
  expect(said('central')).not.toEqual([]);
}, 40_000);

test('a request id is found again for an upload and for a refusal too', async () => {
  const of = (name: string, requestId: string) =>
    bench.log(name).filter((line) => line['requestId'] === requestId);
  for (const name of ['hub', 'central']) expect(of(name, 'ticket-4711.import'), name).not.toEqual([]);
  const { exitCode, stderr } = await bench.cloud.cli(
    '--request-id',
    'ticket-4711.no',
    'image',
    'copy',
    id,
    '--stores',
    'mars',
  );
  expect(exitCode).toBe(2);
  expect(stderr).toContain('request id: ticket-4711.no');
  expect(of('hub', 'ticket-4711.no')).not.toEqual([]);
});

test('every line of every log is one JSON object that says when, who and what', () => {
  for (const name of DAEMONS) {
    const lines = bench.log(name);
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) {
      expect(line).toMatchObject({
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        level: expect.stringMatching(/^(info|warn|error)$/),
        component: name === 'hub' ? 'hub' : 'agent',
        part: expect.any(String),
        msg: expect.any(String),
      });
      if (name !== 'hub') expect(line['storeId']).toBe(name);
    }
  }
});

describe('a live scrape', () => {
  const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
  const required = process.env['ENTREPOT_REQUIRE_PROMTOOL'] === '1';
  const why = hasPromtool || required ? '' : ' (skipped: promtool is not installed)';

  test.skipIf(why !== '').each(DAEMONS)(`of %s pleases promtool${why}`, async (name) => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await scrape(name),
      encoding: 'utf8',
    });
    expect(`${stdout}${stderr}`).toBe('');
    expect(status).toBe(0);
  });

  test('tells of stores: up, last contact, room; and what runs', async () => {
    const text = await scrape('hub');
    for (const store of ['central', 'dcn0']) {
      expect(metric(text, `entrepot_store_up{store="${store}"}`)).toBe(1);
      expect(metric(text, `entrepot_store_last_contact_timestamp_seconds{store="${store}"}`)).toBeGreaterThan(
        Date.now() / 1000 - 10,
      );
      expect(metric(text, `entrepot_store_free_bytes{store="${store}"}`)).toBeGreaterThan(0);
    }
    expect(text).toMatch(/^entrepot_build_info\{version="[^"]+",component="hub"\} 1$/m);
    expect(await scrape('dcn0')).toMatch(/^entrepot_build_info\{version="[^"]+",component="agent"\} 1$/m);
  });
});

describe('for probes and for grpcurl', () => {
  const addressOf = (name: string) =>
    name === 'hub'
      ? bench.cloud.hubAddress
      : (agentConfig(bench.cloud, name)['listen'] as { transfer: string }).transfer;
  const SERVICES: Readonly<Record<string, readonly string[]>> = {
    hub: [
      'entrepot.v1.Agents',
      'entrepot.v1.Enrolment',
      'entrepot.v1.Events',
      'entrepot.v1.Images',
      'entrepot.v1.Jobs',
      'entrepot.v1.Operators',
      'entrepot.v1.Stores',
    ],
    central: ['entrepot.v1.Transfer'],
  };

  test.each(['hub', 'central'])('%s is SERVING, as a whole and each service', async (name) => {
    const { path, requestSerialize, responseDeserialize } = healthService['Check'] as NonNullable<
      (typeof healthService)[string]
    >;
    using client = rawClient(addressOf(name), await bench.cloud.operator());
    for (const service of ['', ...(SERVICES[name] ?? [])]) {
      const reply = await new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, value) =>
          error ? reject(error) : resolve(value),
        );
      });
      expect(reply, service).toMatchObject({ status: 'SERVING' });
    }
  });

  test.each(['hub', 'central'])('%s lists its services, and shows what they take', async (name) => {
    using client = rawClient(addressOf(name), await bench.cloud.operator());
    const { listServicesResponse } = await reflect(client, { listServices: '' });
    const names = listServicesResponse?.service?.map((one) => one.name) ?? [];
    expect(names).toEqual(expect.arrayContaining([...(SERVICES[name] ?? []), 'grpc.health.v1.Health']));
    for (const service of SERVICES[name] ?? []) {
      const { fileDescriptorResponse } = await reflect(client, { fileContainingSymbol: service });
      expect(fileDescriptorResponse?.fileDescriptorProto?.length, service).toBeGreaterThan(0);
    }
  });
});

describe('the service manager', () => {
  test('hears READY from an agent only once it has its store and its hub, and STOPPING at its end', async () => {
    await using manager = await Datagrams.bind();
    expect(await bench.daemon('dcn0').stop()).toBe(0);
    expect(await bench.cloud.hub.stop()).toBe(0);
    const agent = new DaemonProcess({
      ...bench.daemon('dcn0').options,
      env: { NOTIFY_SOCKET: manager.path },
    });
    await using _ = { [Symbol.asyncDispose]: async () => void (await agent.kill('SIGKILL')) };
    agent.spawn();
    const heard: string[] = [];
    const hear = async (text: string) => {
      do heard.push(await manager.receive());
      while (!heard.at(-1)?.includes(text));
    };
    await hear('STATUS=waiting for the hub');
    await waitFor('the agent to have found no hub', () =>
      agent.log().includes('not attached to the hub: cannot reach'),
    );
    expect((await fetch(`http://127.0.0.1:${agent.options.httpPort}/readyz`)).status).toBe(503);
    // A word of our own: everything the agent has said so far comes before it.
    process.env['NOTIFY_SOCKET'] = manager.path;
    notifier().status('the test');
    delete process.env['NOTIFY_SOCKET'];
    await hear('STATUS=the test');
    expect(heard.filter((text) => text.includes('READY=1'))).toEqual([]);
    await bench.cloud.hub.start();
    await hear('READY=1');
    expect(heard.at(-1)).toBe('READY=1\nSTATUS=serves store dcn0');
    await agent.ready();
    expect(await agent.stop()).toBe(0);
    await hear('STOPPING=1');
  }, 90_000);

  test('hears READY from the hub when the catalogue is open', async () => {
    await using manager = await Datagrams.bind();
    expect(await bench.cloud.hub.stop()).toBe(0);
    const hub = new DaemonProcess({
      ...bench.cloud.hub.options,
      env: { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: '200000' },
    });
    await using _ = { [Symbol.asyncDispose]: async () => void (await hub.kill('SIGKILL')) };
    hub.spawn();
    expect(await manager.receiveAfter('WATCHDOG=1')).toBe('READY=1\nSTATUS=the catalogue is open');
    await hub.ready();
    // The pings go on: a hub that hangs is not heard, and is restarted.
    expect(await manager.receive()).toBe('WATCHDOG=1');
    expect(await hub.stop()).toBe(0);
    expect(await manager.receiveAfter('WATCHDOG=1')).toMatch(/^STOPPING=1/);
  }, 40_000);
});
