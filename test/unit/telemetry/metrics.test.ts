import { spawnSync } from 'node:child_process';
import type { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { AgentMetrics, type AgentSnapshot } from '../../../src/telemetry/agent-metrics.ts';
import { HubMetrics, type HubSnapshot } from '../../../src/telemetry/hub-metrics.ts';
import { createRegistry } from '../../../src/telemetry/metrics.ts';
import { RpcMetrics } from '../../../src/telemetry/rpc-metrics.ts';
import type { CopyInFlight } from '../../../src/telemetry/transfer-gauges.ts';

function copying(imageId: string, more: Partial<CopyInFlight>): CopyInFlight {
  const phase = 'transferring';
  return { imageId, storeId: 'dcn0', phase, doneBytes: 0, sizeBytes: 9, rateBytesPerSecond: 0, ...more };
}

const HUB: HubSnapshot = {
  stores: [
    {
      id: 'central',
      certificateEndMs: 1_900_000_000_000,
      up: true,
      paused: true,
      lastContactMs: 1_700_000_000_500,
      freeBytes: 10,
      totalBytes: 20,
      copies: { present: 3 },
    },
    {
      id: 'dcn0',
      certificateEndMs: undefined,
      up: false,
      paused: false,
      lastContactMs: undefined,
      freeBytes: undefined,
      totalBytes: undefined,
      copies: {},
    },
  ],
  hubCertificateEndMs: 1_950_000_000_000,
  images: { active: 3 },
  queue: [{ kind: 'copy', queued: 2, running: 1, paused: 2, oldestAgeSeconds: 4.5 }],
  copiesInFlight: [
    copying('i1', { doneBytes: 5, rateBytesPerSecond: 3 }),
    copying('i2', { doneBytes: 6, rateBytesPerSecond: undefined }),
    copying('i3', { doneBytes: 7, rateBytesPerSecond: 4 }),
    copying('i4', { doneBytes: 1, rateBytesPerSecond: 50, phase: 'verifying' }),
  ],
};

const AGENT: AgentSnapshot = {
  attached: true,
  storeUp: false,
  bufferBytes: 4096,
  paceWaiting: 2,
  paceLimits: [{ storeId: 'central', bytesPerSecond: 20_971_520 }],
  certificateExpiresAtMs: 1_900_000_000_000,
  copies: [{ imageId: 'i1', doneBytes: 5, sizeBytes: 9 }],
};

async function series(registry: Registry): Promise<string[]> {
  const text = await registry.metrics();
  return text.split('\n').filter((line) => line.startsWith('entrepot_'));
}

function hub(read: () => HubSnapshot = () => HUB) {
  const registry = createRegistry('hub', '1.2.3');
  const rpc = new RpcMetrics(registry);
  return { registry, rpc, metrics: new HubMetrics(registry, { read }) };
}

function agent(read: () => AgentSnapshot = () => AGENT) {
  const registry = createRegistry('agent', '1.2.3');
  const rpc = new RpcMetrics(registry);
  return { registry, rpc, metrics: new AgentMetrics(registry, { read }) };
}

describe('the metrics of the hub', () => {
  it('show its state, with zeros for what there is none of', async () => {
    const lines = await series(hub().registry);
    for (const line of [
      'entrepot_build_info{version="1.2.3",component="hub"} 1',
      'entrepot_copies{store="central",state="present"} 3',
      'entrepot_copies{store="central",state="failed"} 0',
      'entrepot_copies{store="dcn0",state="present"} 0',
      'entrepot_images{status="active"} 3',
      'entrepot_images{status="queued"} 0',
      'entrepot_store_up{store="central"} 1',
      'entrepot_store_up{store="dcn0"} 0',
      'entrepot_store_paused{store="central"} 1',
      'entrepot_store_paused{store="dcn0"} 0',
      'entrepot_queue_paused_jobs{kind="copy"} 2',
      'entrepot_queue_paused_jobs{kind="import"} 0',
      'entrepot_store_last_contact_timestamp_seconds{store="central"} 1700000000.5',
      'entrepot_store_free_bytes{store="central"} 10',
      'entrepot_store_total_bytes{store="central"} 20',
      'entrepot_queue_jobs{kind="copy",state="queued"} 2',
      'entrepot_queue_jobs{kind="copy",state="running"} 1',
      'entrepot_queue_jobs{kind="import",state="queued"} 0',
      'entrepot_queue_oldest_age_seconds{kind="copy"} 4.5',
      'entrepot_queue_oldest_age_seconds{kind="delete"} 0',
      'entrepot_copy_done_bytes{image="i1",store="dcn0"} 5',
      'entrepot_copy_size_bytes{image="i1",store="dcn0"} 9',
      'entrepot_store_transfers{store="dcn0"} 4',
      'entrepot_store_transfers{store="central"} 0',
      'entrepot_store_transfer_bytes_per_second{store="dcn0"} 7',
      'entrepot_store_transfer_bytes_per_second{store="central"} 0',
      'entrepot_store_transfer_done_bytes{store="dcn0"} 19',
      'entrepot_store_transfer_size_bytes{store="dcn0"} 36',
    ]) {
      expect(lines).toContain(line);
    }
  });

  it('leave out what is not known of a store', async () => {
    const unknown = (await series(hub().registry)).filter(
      (line) => line.includes('store="dcn0"') && /last_contact|free_bytes|total_bytes/.test(line),
    );
    expect(unknown).toEqual([]);
  });

  it('forget a copy when it has ended, and read the state once per scrape', async () => {
    let copiesInFlight = HUB.copiesInFlight;
    let reads = 0;
    const { registry } = hub(() => {
      reads++;
      return { ...HUB, copiesInFlight };
    });
    expect((await series(registry)).filter((line) => line.startsWith('entrepot_copy_'))).toHaveLength(8);
    expect(reads).toBe(1);
    copiesInFlight = [];
    expect((await series(registry)).filter((line) => line.startsWith('entrepot_copy_'))).toEqual([]);
    expect(reads).toBe(2);
  });

  it('count tasks, bytes and seconds', async () => {
    const { registry, metrics } = hub();
    metrics.taskEnded('copy', 'done', '');
    metrics.taskEnded('copy', 'retried', 'UNAVAILABLE');
    metrics.transferred('dcn0', {
      receivedBytes: 1,
      wireBytes: 5,
      holeBytes: 2,
      resumedBytes: 3,
      verifiedBytes: 4,
    });
    metrics.transferred('dcn0', {
      receivedBytes: 10,
      wireBytes: 6,
      holeBytes: 0,
      resumedBytes: 0,
      verifiedBytes: 0,
    });
    metrics.transferTook('dcn0', 'copy', 7);
    const lines = await series(registry);
    for (const line of [
      'entrepot_tasks_total{kind="copy",outcome="done",reason=""} 1',
      'entrepot_tasks_total{kind="copy",outcome="retried",reason="UNAVAILABLE"} 1',
      'entrepot_transfer_bytes_total{store="dcn0",kind="sent"} 11',
      'entrepot_transfer_bytes_total{store="dcn0",kind="wire"} 11',
      'entrepot_transfer_bytes_total{store="dcn0",kind="hole"} 2',
      'entrepot_transfer_bytes_total{store="dcn0",kind="resumed"} 3',
      'entrepot_transfer_bytes_total{store="dcn0",kind="verified"} 4',
      'entrepot_transfer_duration_seconds_sum{store="dcn0",kind="copy"} 7',
      'entrepot_transfer_duration_seconds_bucket{le="5",store="dcn0",kind="copy"} 0',
      'entrepot_transfer_duration_seconds_bucket{le="15",store="dcn0",kind="copy"} 1',
    ]) {
      expect(lines).toContain(line);
    }
  });
});

describe('the metrics of a gRPC server', () => {
  it('count what was refused, connections from the first by each reason', async () => {
    const { registry, rpc } = hub();
    rpc.requestRefused('/entrepot.v1.Images/Copy', 'FORBIDDEN');
    rpc.requestRefused('/entrepot.v1.Images/Copy', 'FORBIDDEN');
    rpc.connectionRefused('rate');
    const lines = await series(registry);
    for (const line of [
      'entrepot_requests_refused_total{grpc_service="entrepot.v1.Images",grpc_method="Copy",code="FORBIDDEN"} 2',
      'entrepot_connections_refused_total{reason="rate"} 1',
      'entrepot_connections_refused_total{reason="handshake"} 0',
    ]) {
      expect(lines).toContain(line);
    }
  });
});

describe('the metrics of an agent', () => {
  it('show its state and count its work', async () => {
    const { registry, metrics } = agent();
    metrics.taskEnded('ingest', 'failed', 'NO_SPACE');
    metrics.moved('received', 100);
    metrics.moved('received', 11);
    const lines = await series(registry);
    for (const line of [
      'entrepot_build_info{version="1.2.3",component="agent"} 1',
      'entrepot_agent_attached 1',
      'entrepot_certificate_expires_timestamp_seconds 1900000000',
      'entrepot_agent_store_up 0',
      'entrepot_agent_buffer_bytes 4096',
      'entrepot_agent_copy_done_bytes{image="i1"} 5',
      'entrepot_agent_copy_size_bytes{image="i1"} 9',
      'entrepot_agent_tasks_total{kind="ingest",outcome="failed",reason="NO_SPACE"} 1',
      'entrepot_agent_bytes_total{kind="received"} 111',
      'entrepot_agent_bytes_total{kind="hole"} 0',
    ]) {
      expect(lines).toContain(line);
    }
  });
});

const promtool = spawnSync('promtool', ['--version']).error === undefined;

describe('by the conventions of Prometheus', () => {
  for (const [name, make] of Object.entries({ hub, agent })) {
    it(`the ${name} has nothing to correct`, async ({ skip }) => {
      if (!promtool) skip('promtool (package prometheus) is not installed');
      const { registry, rpc, metrics } = make();
      rpc.start({ grpc_type: 'unary', grpc_service: 's', grpc_method: 'm' }).ended('OK');
      metrics.taskEnded('copy', 'done', '');
      const input = await registry.metrics();
      expect(input).toContain('process_cpu_seconds_total');
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
        input,
        encoding: 'utf8',
      });
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    });
  }
});
