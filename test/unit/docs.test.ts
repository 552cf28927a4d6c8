import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { agentSchema } from '../../src/config/agent-config.ts';
import { hubSchema } from '../../src/config/hub-config.ts';
import { AgentMetrics } from '../../src/telemetry/agent-metrics.ts';
import { HubMetrics } from '../../src/telemetry/hub-metrics.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { RpcMetrics } from '../../src/telemetry/rpc-metrics.ts';

const page = (name: string) => readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

/** Names in backticks that look like our metrics. */
function documented(text: string): string[] {
  return [
    ...new Set([...text.matchAll(/`((?:entrepot|grpc_server)_[a-z_]+)`/g)].map(([, name = '']) => name)),
  ].sort();
}

function registered(): string[] {
  const hub = createRegistry('hub', '0');
  new RpcMetrics(hub);
  const snapshot = { stores: [], images: {}, queue: [], copiesInFlight: [], hubCertificateEndMs: 0 };
  new HubMetrics(hub, { read: () => snapshot });
  const agent = createRegistry('agent', '0');
  new AgentMetrics(agent, {
    read: () => ({
      attached: true,
      storeUp: true,
      certificateExpiresAtMs: 0,
      bufferBytes: 0,
      paceWaiting: 0,
      paceLimits: [],
      copies: [],
    }),
  });
  const names = [hub, agent].flatMap((registry) => registry.getMetricsAsArray().map(({ name }) => name));
  return [...new Set(names.filter((name) => /^(entrepot|grpc_server)_/.test(name)))].sort();
}

/** Keys of a schema as the page names them: `queue.retry.first_delay_ms`. */
function keysOf(schema: unknown, path: readonly string[] = []): string[] {
  const { def } = schema as {
    def: { type: string; shape?: object; innerType?: unknown; options?: unknown[] };
  };
  if (def.type === 'optional' || def.type === 'default') return keysOf(def.innerType, path);
  if (def.type === 'union') return (def.options ?? []).flatMap((option) => keysOf(option, path));
  if (def.type !== 'object') return [path.join('.')];
  return Object.entries(def.shape ?? {}).flatMap(([key, value]) => keysOf(value, [...path, key]));
}

describe('the reference', () => {
  it('names every metric, and no other', async () => {
    expect(documented(await page('metrics.md'))).toEqual(registered());
  });

  it.each([
    ['hub', hubSchema],
    ['agent', agentSchema],
  ])('names every key of the %s configuration', async (_, schema) => {
    const text = await page('configuration.md');
    const keys = [...new Set(keysOf(schema))];
    expect(keys.length).toBeGreaterThan(8);
    expect(keys.filter((key) => !text.includes(`\`${key}\``))).toEqual([]);
  });

  it('says of what it claims to be safe which test shows it', async () => {
    const cited = [...(await page('security.md')).matchAll(/`(test\/[^`]+\.test\.ts)`((?:,? "[^"]+")+)/g)];
    expect(cited.length).toBeGreaterThan(30);
    const missing: string[] = [];
    for (const [, file = '', titles = ''] of cited) {
      const source = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8').catch(() => '');
      for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g)) {
        if (!source.includes(title)) missing.push(`${file}: ${title}`);
      }
    }
    expect(missing).toEqual([]);
  });
});
