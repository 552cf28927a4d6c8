import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WanCloud } from '../../../bench/wan/cloud.ts';
import { allowCongestionControl } from '../../../bench/wan/congestion.ts';
import { pullMethod, pushMethod } from '../../../bench/wan/entrepot-method.ts';
import { parseLink } from '../../../bench/wan/link-spec.ts';
import {
  Namespace,
  namespacePath,
  network,
  prefixOf,
  removeLeftovers,
  sitesMissing,
  thisProcess,
} from '../../../bench/wan/namespaces.ts';
import { shapeCommand } from '../../../bench/wan/netem-link.ts';
import { tcpMethod } from '../../../bench/wan/rival-methods.ts';
import { type Run, runAll } from '../../../bench/wan/runner.ts';
import { addressOf, SITES, Topology } from '../../../bench/wan/topology.ts';

const MIB = 2 ** 20;
const TCP = { congestion: 'cubic', readBytes: 6 * MIB, writeBytes: 4 * MIB };
const MAIN = fileURLToPath(new URL('../../../bench/wan/main.ts', import.meta.url));
const NAMESPACES = '/run/netns';
const never = new AbortController().signal;

const missing = sitesMissing();

describe.skipIf(missing !== undefined)(
  `sites joined by links${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let stack = new AsyncDisposableStack();
    beforeEach(() => {
      stack = new AsyncDisposableStack();
    });
    afterEach(() => stack.disposeAsync());

    const ours = () => readdirSync(NAMESPACES).filter((name) => name.startsWith(prefixOf(thisProcess())));

    test('have a rate, a delay and loss, and are gone afterwards', async () => {
      const topology = stack.use(await Topology.create('tun', TCP));
      const { central, dcn0 } = topology.sites;
      const place = await dcn0.call.receiveByTcp(addressOf('dcn0'));
      const send = async (bytes: number) => {
        const start = performance.now();
        await central.call.sendByTcp({ ...place, connections: 1, bytes });
        return performance.now() - start;
      };

      await topology.links.dcn0.shape(parseLink('1gbit/100ms'));
      // Connecting takes one round trip, a byte and its receipt another.
      const farMs = await send(1);
      expect(farMs).toBeGreaterThan(199);
      expect(farMs).toBeLessThan(400);

      await topology.links.dcn0.shape(parseLink('40mbit/2ms'));
      const bytes = 5e6;
      const seconds = (await send(bytes)) / 1000;
      const share = (bytes * 8) / seconds / 40e6;
      // 95.6 % with headers; a ms of it is in hand.
      expect(share).toBeLessThan(0.96);
      expect(share).toBeGreaterThan(0.6);

      const before = await topology.links.dcn0.counts();
      await topology.links.dcn0.shape(parseLink('100mbit/2ms/5%'));
      await send(2e6);
      const after = await topology.links.dcn0.counts();
      const lost = (after?.lost ?? 0) - (before?.lost ?? 0);
      // Of 1,400 packets of data, with as many answers at most.
      expect(lost).toBeGreaterThan(30);
      expect(lost).toBeLessThan(250);

      const pids = [...SITES.map((site) => topology.sites[site].pid), topology.links.dcn0.pid ?? 0];
      expect(ours()).toHaveLength(SITES.length);
      await topology[Symbol.asyncDispose]();
      expect(ours()).toEqual([]);
      expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    });

    test('are cleared away when their bench is dead, and only then', async () => {
      const living = stack.use(await Namespace.create(`${prefixOf(thisProcess())}living`));
      const prefix = prefixOf({ pid: process.pid, start: '1' });
      const dead = stack.use(await Namespace.create(`${prefix}dead`));
      const folder = mkdtempSync(join(tmpdir(), prefix));
      stack.defer(() => rmSync(folder, { recursive: true, force: true }));
      await removeLeftovers();
      expect([living, dead].map(({ name }) => existsSync(namespacePath(name)))).toEqual([true, false]);
      expect(existsSync(folder)).toBe(false);
    });

    test('carry an image to an edge and back from it, which is counted', async () => {
      const topology = stack.use(await Topology.create('tun', TCP));
      const folder = mkdtempSync(join(tmpdir(), prefixOf(thisProcess())));
      stack.defer(() => rmSync(folder, { recursive: true, force: true }));
      const cloud = await WanCloud.start({ topology, folder, store: 'file' });
      const sizeBytes = 8 * MIB;
      const settings = { cloud, topology, sizeBytes };
      const place = await topology.sites.dcn0.call.receiveByTcp(addressOf('dcn0'));
      const methods = [
        tcpMethod(settings, place, 2),
        pullMethod(settings, false),
        pushMethod(settings, ['dcn1']),
      ];
      const parts = {
        topology,
        agentBytes: () => cloud.sentBytes(),
        spec: parseLink('200mbit/4ms'),
        dataBytes: sizeBytes,
        signal: never,
        onRun: () => {},
        meter: { measure },
      };
      const runs = await runAll(parts, methods, 1);
      expect(runs.map(({ method }) => method)).toEqual(['tcp-2', 'pull', 'push-on']);
      const [tcp, pull, push] = runs as [Run, Run, Run];
      expect([tcp, pull, push].map(({ agentBytes }) => agentBytes)).toEqual([
        undefined,
        sizeBytes,
        2 * sizeBytes,
      ]);
      for (const [run, copies] of [
        [tcp, 1],
        [pull, 1],
        [push, 2],
      ] as const) {
        expect(run.linkBytes / sizeBytes / copies).toBeGreaterThan(1);
        expect(run.linkBytes / sizeBytes / copies).toBeLessThan(1.2);
        expect(run.wholeShare).toBeGreaterThan(0.01);
        expect(run.wholeShare).toBeLessThan(0.96);
        expect(run.properShare).toBeGreaterThan(run.wholeShare);
        expect(run.properShare).toBeLessThan(1.05);
      }
      expect(await cloud.json<unknown[]>('image', 'list')).toEqual([]);
    }, 120_000);

    test('are gone when the bench is interrupted', async () => {
      const args = '--store file --only tcp-1 --links 10mbit/5ms --size-mib 64 --pairs 1'.split(' ');
      const bench = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
      stack.defer(() => void bench.kill('SIGKILL'));
      const mark = `entrepot-wan-${bench.pid}-`;
      const named = (folder: string) => readdirSync(folder).filter((name) => name.startsWith(mark));
      let said = '';
      bench.stderr.on('data', (data) => {
        said += data;
      });
      await expect.poll(() => said, { timeout: 60_000 }).toContain('bringing images over');
      const [folder = ''] = named(tmpdir());
      const inFolder = () => processesNaming(folder);
      expect(named(NAMESPACES)).toHaveLength(SITES.length);
      expect(inFolder().length).toBeGreaterThanOrEqual(1 + SITES.length);
      // In the middle of a run, which takes a minute.
      await setTimeout(500);
      bench.kill('SIGINT');
      const [code] = await once(bench, 'exit');
      expect(code).toBe(130);
      expect(said.trim().split('\n').slice(-2)).toEqual([
        'stopping, and removing what was made',
        'bench: interrupted',
      ]);
      expect([...named(NAMESPACES), ...named(tmpdir()), ...inFolder()]).toEqual([]);
    }, 120_000);

    test('may go by any congestion control this kernel has, and the machine is as it was', () => {
      const allowed = () => readFileSync('/proc/sys/net/ipv4/tcp_allowed_congestion_control', 'utf8');
      const before = allowed();
      {
        using _ = allowCongestionControl('cubic');
        expect(allowed()).toContain('cubic');
      }
      expect(allowed()).toBe(before);
    });
  },
);

test.skipIf(missing !== undefined)(
  'tc understands what it is told, whether or not Linux can do it',
  async () => {
    await using namespace = await Namespace.create(`${prefixOf(thisProcess())}tc`);
    const end = { namespace: namespace.name, device: 'lo', address: '127.0.0.1' };
    const told = await network('tc', shapeCommand(end, parseLink('100mbit/50ms/0.1%'))).catch(String);
    // Its own words when it cannot read a line are others.
    if (told !== '') expect(told).toContain('Specified qdisc kind is unknown');
    await network('tc', shapeCommand(end, undefined));
  },
);

/** Whose command line speaks of a folder. */
function processesNaming(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

async function measure(_clients: unknown, work: () => Promise<number | undefined>) {
  const start = performance.now();
  const told = await work();
  const wallSeconds = told ?? (performance.now() - start) / 1000;
  return { wallSeconds, cpuSeconds: {}, osdCpuSeconds: 0, peakBytes: {}, othersShare: 0 };
}
