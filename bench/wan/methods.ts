import { join } from 'node:path';
import { pullMethod, pushMethod } from './entrepot-method.ts';
import type { LinkSpec } from './link-spec.ts';
import type { Method } from './method.ts';
import { connectionsOf } from './options.ts';
import { type RivalSettings, sshMethod, tcpMethod } from './rival-methods.ts';
import { addressOf } from './topology.ts';

/** Above it nobody would want to spend processor time on fewer bytes. */
const COMPRESSIBLE_UP_TO = 100e6;

/** Those of `only` that are to be had on this link, each ready to be prepared. */
export async function methodsOf(
  settings: RivalSettings,
  spec: LinkSpec,
  only: readonly string[],
  say: (line: string) => void,
): Promise<Method[]> {
  const methods: Method[] = [];
  const connections = only.flatMap((name) => connectionsOf(name) ?? []);
  if (connections.length > 0) {
    const place = await settings.topology.sites.dcn0.call.receiveByTcp(addressOf('dcn0'));
    methods.push(...connections.map((count) => tcpMethod(settings, place, count)));
  }
  if (only.includes('ssh')) {
    const ssh = await startSsh(settings);
    if (typeof ssh === 'string') say(ssh);
    else methods.push(sshMethod(settings, ssh));
  }
  const own = [pullMethod(settings, false), pushMethod(settings, []), pushMethod(settings, ['dcn1'])];
  if (spec.bitsPerSecond <= COMPRESSIBLE_UP_TO) own.push(pullMethod(settings, true));
  methods.push(...own.filter(({ name }) => only.includes(name)));
  return methods;
}

async function startSsh({ cloud, topology }: RivalSettings): Promise<readonly string[] | string> {
  if (cloud.clusters.size === 0) return 'ssh is left out: without clusters there is no rbd to run';
  const folder = join(cloud.folder, 'ssh');
  return await topology.sites.dcn0.call.startSsh({ folder, address: addressOf('dcn0') });
}
