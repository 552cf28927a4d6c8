import { randomUUID } from 'node:crypto';
import { createCommand, type Place, removeCommand, TOOLS } from '../common/tools.ts';
import { type EntrepotSettings, removeImage, withImage } from './entrepot-method.ts';
import { type Method, PULL } from './method.ts';
import type { TcpPlace } from './tcp.ts';
import type { SiteName, Topology } from './topology.ts';

export interface RivalSettings extends EntrepotSettings {
  readonly topology: Topology;
}

/** Bytes from memory to memory over so many connections: what the kernel's TCP makes of the link. */
export function tcpMethod(
  { topology, sizeBytes }: RivalSettings,
  place: TcpPlace,
  connections: number,
): Method {
  return {
    name: `tcp-${connections}`,
    title: connections === 1 ? 'TCP alone, 1 connection' : `TCP alone, ${connections} connections`,
    prepare: async () => ({
      clients: () => sitesOf(topology),
      legs: [PULL],
      run: async () => {
        await topology.sites.central.call.sendByTcp({ ...place, connections, bytes: sizeBytes });
        return undefined;
      },
      [Symbol.asyncDispose]: async () => {},
    }),
  };
}

/** What people run between sites today. `ssh`: what reaches dcn0. */
export function sshMethod(settings: RivalSettings, ssh: readonly string[]): Method {
  const { cloud, topology, sizeBytes } = settings;
  const tool = TOOLS.find(({ name }) => name === 'export-diff-ssh');
  if (tool === undefined) throw new Error('there is no way through ssh');
  return {
    name: 'ssh',
    title: tool.title,
    async prepare(number, signal) {
      const id = randomUUID();
      await withImage({ cloud, sizeBytes, number, isCompressible: false, signal }, (file) =>
        cloud.cli('image', 'create', '--name', 'image', '--id', id, '--file', file),
      );
      const target = placeOf(settings, 'dcn0', randomUUID());
      await topology.sites.dcn0.call.run(createCommand(target, sizeBytes));
      return {
        clients: () => sitesOf(topology),
        legs: [PULL],
        run: async () => {
          const source = placeOf(settings, 'central', id);
          await topology.sites.central.call.run(tool.command(source, target, ssh));
          return undefined;
        },
        [Symbol.asyncDispose]: async () => {
          if (signal.aborted) return;
          await topology.sites.dcn0.call.run(removeCommand(target));
          await removeImage(cloud, id, signal);
        },
      };
    },
  };
}

/** With all that runs there, daemons too: they are idle meanwhile. */
function sitesOf({ sites }: Topology): Map<number, string> {
  return new Map([sites.central, sites.dcn0].map(({ pid, name }) => [pid, name]));
}

function placeOf({ cloud }: RivalSettings, site: SiteName, imageId: string): Place {
  const cluster = cloud.clusters.get(site);
  if (cluster === undefined) throw new Error(`no cluster at ${site}`);
  return { ...cluster, imageId };
}
