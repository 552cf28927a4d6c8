import { allowCongestionControl } from './congestion.ts';
import type { Link } from './link.ts';
import { Namespace, network, prefixOf, thisProcess } from './namespaces.ts';
import { hasNetem, NetemLink } from './netem-link.ts';
import { Site } from './site.ts';
import type { TcpSettings } from './site-calls.ts';
import { TunLink } from './tun-link.ts';

export const CENTRAL = 'central';
export const EDGES = ['dcn0', 'dcn1'] as const;
export type Edge = (typeof EDGES)[number];
/** Central first. */
export const SITES = [CENTRAL, ...EDGES] as const;
export type SiteName = (typeof SITES)[number];

/** Who carries the packets: Linux's netem between veth devices, or a process of ours between TUN devices. */
export type Emulation = 'netem' | 'tun';

/** Central's address for all, of its loopback. */
export const CENTRAL_ADDRESS = '10.77.0.1';
const EDGE_DEVICE = 'wan';

/** A namespace for each site, with a process of ours in it, and a link from central to each edge. */
export class Topology implements AsyncDisposable {
  readonly sites: Readonly<Record<SiteName, Site>>;
  readonly links: Readonly<Record<Edge, Link>>;
  readonly #stack: AsyncDisposableStack;
  #disposal: Promise<void> | undefined;

  private constructor(
    sites: Readonly<Record<SiteName, Site>>,
    links: Readonly<Record<Edge, Link>>,
    stack: AsyncDisposableStack,
  ) {
    this.sites = sites;
    this.links = links;
    this.#stack = stack;
  }

  static async create(emulation: Emulation, tcp: TcpSettings): Promise<Topology> {
    await using stack = new AsyncDisposableStack();
    const sites: Partial<Record<SiteName, Site>> = {};
    using _ = allowCongestionControl(tcp.congestion);
    for (const name of SITES) {
      const namespace = stack.use(await Namespace.create(namespaceOf(name)));
      const site = stack.use(new Site(name, namespace.name));
      await site.call.setTcp(tcp);
      sites[name] = site;
    }
    await network('ip', ['-n', namespaceOf(CENTRAL), 'address', 'add', `${CENTRAL_ADDRESS}/32`, 'dev', 'lo']);
    const links: Partial<Record<Edge, Link>> = {};
    for (const [index, edge] of EDGES.entries()) {
      links[edge] = stack.use(await createLink(emulation, edge, index));
      const route = ['route', 'add', 'default', 'via', networkAddress(index, 1)];
      await network('ip', ['-n', namespaceOf(edge), ...route]);
    }
    return new Topology(sites as Record<SiteName, Site>, links as Record<Edge, Link>, stack.move());
  }

  /** Ends all that runs in the sites, which is what makes those who wait for it give up. Whoever comes second waits too. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#stack.disposeAsync();
    await this.#disposal;
  }
}

export function namespaceOf(site: SiteName): string {
  return `${prefixOf(thisProcess())}${site}`;
}

/** The address of a site for the others. */
export function addressOf(site: SiteName): string {
  return site === CENTRAL ? CENTRAL_ADDRESS : networkAddress(EDGES.indexOf(site), 2);
}

/** The interface of a site that its data with an edge goes through. */
export function deviceOf(site: SiteName, edge: Edge): string {
  return site === CENTRAL ? edge : EDGE_DEVICE;
}

/** Linux's own where it has it. */
export async function bestEmulation(): Promise<Emulation> {
  return (await hasNetem(`${prefixOf(thisProcess())}probe`)) ? 'netem' : 'tun';
}

async function createLink(emulation: Emulation, edge: Edge, index: number): Promise<Link> {
  const ends = [
    { namespace: namespaceOf(CENTRAL), device: deviceOf(CENTRAL, edge), address: networkAddress(index, 1) },
    { namespace: namespaceOf(edge), device: deviceOf(edge, edge), address: networkAddress(index, 2) },
  ] as const;
  // Of this process, in the fifteen characters that Linux has for them.
  const names = [`ew${process.pid}a`, `ew${process.pid}b`] as const;
  return emulation === 'netem' ? NetemLink.create(ends, [...names]) : TunLink.create(ends, [...names]);
}

function networkAddress(index: number, host: number): string {
  return `10.77.${index + 1}.${host}`;
}
