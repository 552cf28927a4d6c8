// `npm run demo [-- PATH] [-- --once] [-- --ceph]`: a hub and three agents as processes of
// their own, and one image brought to central and copied to both edges, before your eyes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CephCluster, ensureCeph, startClusters } from '../test/ceph/cluster/index.ts';
import { Cloud, type DriverSettings } from '../test/cloud/cloud.ts';
import { ENTREPOT } from '../test/cloud/daemon-process.ts';
import { writeSampleImage } from '../test/cloud/sample-image.ts';

const STORE_IDS = ['central', 'dcn0', 'dcn1'];
const MIB = 1024 * 1024;
const SAMPLE = { sizeBytes: 256 * MIB, dataBytes: 64 * MIB };

interface ShownImage {
  readonly id: string;
  readonly status: string;
  readonly root: string;
  readonly copies: readonly { store_id: string; state: string; verified_root: string | null }[];
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { once: { type: 'boolean', default: false }, ceph: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [path, ...more] = positionals;
  if (more.length > 0) throw new Error('one image at a time: npm run demo -- [PATH] [--once] [--ceph]');
  if (path !== undefined && !(await stat(path)).isFile()) throw new Error(`${path} is not a file`);

  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await using stack = new AsyncDisposableStack();
  const clusters = values.ceph ? await startCeph(stack) : undefined;
  say('making a private authority, a hub, and three agents that join it: central, dcn0, dcn1');
  const cloud = stack.use(
    await Cloud.start({ storeIds: STORE_IDS, ...(clusters && { driver: driverOf(clusters) }) }),
  );
  await entrepot(cloud, 'store', 'list');

  const image = path ?? (await sample(cloud));
  say(
    `bringing ${path ?? 'a sparse sample of 256 MiB with 64 MiB of data'} to central, then to dcn0 and dcn1`,
  );
  const created = entrepot(
    cloud,
    'image',
    'create',
    '--name',
    'demo',
    '--file',
    image,
    '--stores',
    'dcn0,dcn1',
  );
  const code = await Promise.race([created, interrupted]);
  if (code !== 0) {
    process.exitCode = 1;
    return;
  }
  await entrepot(cloud, 'image', 'list', '--stores');
  const [listed] = await cloud.json<ShownImage[]>('image', 'list');
  const id = listed?.id ?? '';
  await entrepot(cloud, 'image', 'locations', id);
  if (!(await showDigests(cloud, id))) process.exitCode = 1;
  if (values.once) return;
  tellWhatNext(cloud, id);
  await interrupted;
  say('stopping');
}

async function startCeph(stack: AsyncDisposableStack): Promise<ReadonlyMap<string, CephCluster>> {
  const missing = await ensureCeph((line) => say(line));
  if (missing !== undefined) throw new Error(missing);
  say('starting three Ceph clusters');
  const folder = await mkdtemp(join(tmpdir(), 'entrepot-demo-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const clusters = await startClusters(STORE_IDS, folder);
  for (const cluster of clusters) stack.use(cluster);
  return new Map(clusters.map((cluster) => [cluster.name, cluster]));
}

function driverOf(clusters: ReadonlyMap<string, CephCluster>): (storeId: string) => DriverSettings {
  return (storeId) => {
    const cluster = clusters.get(storeId);
    if (cluster === undefined) throw new Error(`no cluster for ${storeId}`);
    return { type: 'rbd', conf: cluster.confPath, client: 'images', pool: cluster.pool };
  };
}

async function sample(cloud: Cloud): Promise<string> {
  const path = join(cloud.folder, 'sample.raw');
  await writeSampleImage(path, SAMPLE);
  return path;
}

/** What each store read back against what the image is. True when all of them hold it, verified. */
async function showDigests(cloud: Cloud, id: string): Promise<boolean> {
  const { root, status, copies } = await cloud.json<ShownImage>('image', 'show', id);
  say(`digest of the image's manifest: ${root}`);
  let verified = status === 'active';
  for (const storeId of STORE_IDS) {
    const copy = copies.find((one) => one.store_id === storeId);
    const right = copy?.state === 'present' && copy.verified_root === root;
    verified &&= right;
    console.log(
      `  ${storeId.padEnd(8)} ${copy?.verified_root ?? '-'} ${right ? 'verified' : 'NOT VERIFIED'}`,
    );
  }
  return verified;
}

function tellWhatNext(cloud: Cloud, id: string): void {
  say('everything stays up until Ctrl-C; in another terminal, in this folder, try:');
  console.log(
    [
      `  export ENTREPOT_HUB=${cloud.hubAddress} ENTREPOT_CREDENTIALS=${cloud.operatorFolder}`,
      '  npx entrepot operator whoami',
      `  npx entrepot image show ${id}`,
      `  npx entrepot image delete-copy ${id} --store dcn1 --wait`,
      `  npx entrepot image copy ${id} --all-stores --wait`,
      `  npx entrepot image download ${id} --file copy.raw`,
      '  npx entrepot job list --all',
      '  npx entrepot event list --since 1h',
      `  curl http://127.0.0.1:${cloud.hub.options.httpPort}/metrics`,
      `  tail -f ${join(cloud.folder, 'log', 'hub.log')}`,
    ].join('\n'),
  );
}

/** Runs a command on this terminal, so that its progress is drawn here. */
async function entrepot(cloud: Cloud, ...args: string[]): Promise<number | null> {
  console.log(`\n$ entrepot ${args.join(' ')}`);
  const child = spawn(process.execPath, [ENTREPOT, ...args], {
    stdio: 'inherit',
    env: { ...process.env, ENTREPOT_HUB: cloud.hubAddress, ENTREPOT_CREDENTIALS: cloud.operatorFolder },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

function say(line: string): void {
  console.log(`\n== ${line}`);
}

try {
  await main();
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
