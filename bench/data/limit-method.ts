import { randomUUID } from 'node:crypto';
import { Librbd } from './librbd.ts';
import type { Method, Trial } from './method.ts';
import type { Sites } from './sites.ts';

/** How fast it could be: one half of a copy, with nothing around it but the product's own way to librbd. */
export function limitMethod(sites: Sites, work: 'read' | 'write'): Method {
  return {
    name: work,
    title: work === 'read' ? 'limit: read the data' : 'limit: write the data',
    copies: 1,
    prepare: (signal) => (work === 'read' ? prepareRead(sites, signal) : prepareWrite(sites, signal)),
  };
}

async function prepareRead(sites: Sites, signal: AbortSignal): Promise<Trial> {
  const librbd = await Librbd.start(sites.request('read', 'central', sites.sourceId('first')), signal);
  return {
    clients: () => new Map([[librbd.pid, 'librbd']]),
    run: () => librbd.run().then(() => undefined),
    check: async () => ({ wireBytes: undefined, poolBytes: [] }),
    [Symbol.asyncDispose]: () => librbd[Symbol.asyncDispose](),
  };
}

async function prepareWrite(sites: Sites, signal: AbortSignal): Promise<Trial> {
  const imageId = randomUUID();
  const librbd = await Librbd.start(sites.request('write', 'dcn0', imageId), signal);
  return {
    clients: () => new Map([[librbd.pid, 'librbd']]),
    run: () => librbd.run().then(() => undefined),
    check: async () => {
      await librbd.end();
      return { wireBytes: undefined, poolBytes: [await sites.compare('dcn0', imageId, signal)] };
    },
    [Symbol.asyncDispose]: async () => {
      await librbd[Symbol.asyncDispose]();
      await sites.remove('dcn0', imageId, signal);
    },
  };
}
