import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CliResult } from '../../cloud/cloud.ts';
import { leaksInFolder, leaksInProcesses, leaksInText, secretsIn } from '../../cloud/secrets.ts';
import { Bench } from '../helpers-file.ts';

/**
 * A whole life of a cloud, with everything in it that has a secret; then every file, metric, answer and
 * command line is searched for each of them.
 */
let bench: Bench;
const said: string[] = [];
const seenInProcesses: string[] = [];

beforeAll(async () => {
  bench = await Bench.start({ hub: { log: { level: 'trace' } }, agent: () => ({ log: { level: 'trace' } }) });
}, 120_000);
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});

async function run(...args: string[]): Promise<CliResult> {
  const result = await bench.cloud.cli(...args);
  said.push(result.stdout, result.stderr);
  return result;
}

async function ok(...args: string[]): Promise<void> {
  const { exitCode, stderr } = await run(...args);
  if (exitCode !== 0) throw new Error(`entrepot ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
}

test('no secret is anywhere but in the file that is for it', async () => {
  const { folder } = bench;
  const tokenFile = join(folder, 'dcn1.token');
  const api = join(folder, 'operator-api');
  const bob = join(folder, 'operator-bob');
  const id = await bench.bring('secret', await bench.sample('secret', 16, 8), '--stores', 'dcn0');
  await ok('image', 'download', id, '--file', join(folder, 'back.raw'));
  await ok('operator', 'add', 'api', '--role', 'reader', '--api-token', '--operator-credentials', api);
  await ok('operator', 'add', 'bob', '--role', 'member', '--operator-credentials', bob);
  await ok('store', 'revoke', 'dcn1');
  await ok('store', 'add', 'dcn1', '--token-file', tokenFile);
  await ok('agent', 'join', '--config', join(folder, 'agent-dcn1.yaml'), '--token-file', tokenFile);

  const files = [
    join(bench.cloud.credentialsOf('hub'), 'ca.key'),
    join(bench.cloud.credentialsOf('hub'), 'identity.pem'),
    ...bench.cloud.storeIds.map((storeId) => join(bench.cloud.credentialsOf(storeId), 'identity.pem')),
    join(bench.cloud.operatorFolder, 'identity.pem'),
    join(bob, 'identity.pem'),
    join(api, 'token'),
    tokenFile,
  ];
  const secrets = secretsIn(files);
  expect(secrets.size).toBe(files.length);

  // What is wrong with a secret is told without the secret.
  await run('agent', 'join', '--config', join(folder, 'agent-dcn1.yaml'), '--token-file', tokenFile);
  const watched = run(
    'agent',
    'join',
    '--hub',
    bench.cloud.hubAddress,
    '--credentials',
    join(folder, 'x'),
    '--token',
    secretOf(tokenFile),
  );
  const watch = setInterval(() => seenInProcesses.push(...leaksInProcesses(secrets)), 20);
  await watched;
  clearInterval(watch);
  const asApi = await bench.cloud.cliAs(api, 'image', 'delete', id);
  said.push(asApi.stdout, asApi.stderr);
  expect(asApi.exitCode).toBe(5);
  said.push((await bench.cloud.cliAs(bob, 'event', 'list', '-o', 'json')).stderr);
  await ok('event', 'list', '-o', 'json');
  await ok('operator', 'list', '-o', 'json');
  for (const name of ['hub', ...bench.cloud.storeIds]) said.push(await bench.daemon(name).metrics());
  // Of the hub's memory what it keeps on disk: the catalogue holds hashes.
  expect(await bench.cloud.hub.stop()).toBe(0);

  expect(leaksInText('what commands and metrics said', said.join('\n'), secrets)).toEqual([]);
  expect(leaksInFolder(folder, secrets, new Set(files))).toEqual([]);
  expect(leaksInProcesses(secrets)).toEqual([]);
  expect(readdirSync(folder)).toContain('hub');
  expect(existsSync(join(folder, 'hub', 'catalogue.sqlite'))).toBe(true);

  function secretOf(file: string): string {
    return secretsIn([file]).get(`token in ${file}`) ?? '';
  }
}, 120_000);

test('the search finds what is there', () => {
  const file = join(bench.cloud.operatorFolder, 'identity.pem');
  const secrets = secretsIn([file]);
  expect(leaksInFolder(bench.cloud.operatorFolder, secrets, new Set())).toEqual([
    `${file}: key 0 of ${file}`,
  ]);
  const [secret = ''] = secrets.values();
  expect(leaksInText('a log', `{"key":"${secret}"}`, secrets)).toHaveLength(1);
});
