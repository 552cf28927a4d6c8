import type { LinkCounts } from './link-process.ts';
import { type LinkSpec, MTU_BYTES } from './link-spec.ts';
import { network } from './namespaces.ts';

/** One end of a link: an interface with an address, in a namespace. */
export interface LinkEnd {
  readonly namespace: string;
  readonly device: string;
  /** IPv4, of a network of four addresses. */
  readonly address: string;
}

/** Two namespaces joined. Until it is shaped, it is as fast as this machine. */
export interface Link extends AsyncDisposable {
  /** Of the process that carries the packets; undefined when Linux does. */
  readonly pid: number | undefined;
  /** `undefined`: no limit, delay or loss. What is under way may be lost by it. */
  shape(spec: LinkSpec | undefined): Promise<void>;
  /** Packets since the start, where that is known. */
  counts(): Promise<LinkCounts | undefined>;
}

/** Puts an interface that is in this namespace where it belongs, and up. */
export async function installDevice(made: string, { namespace, device, address }: LinkEnd): Promise<void> {
  await network('ip', ['link', 'set', 'dev', made, 'netns', namespace, 'name', device]);
  await network('ip', ['-n', namespace, 'address', 'add', `${address}/30`, 'dev', device]);
  // Whoever carries the packets drops some by its own rules; this queue must not.
  const settings = ['mtu', String(MTU_BYTES), 'txqueuelen', '20000', 'up'];
  await network('ip', ['-n', namespace, 'link', 'set', 'dev', device, ...settings]);
}
