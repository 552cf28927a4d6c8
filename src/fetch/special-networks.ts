import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * Networks that are not the public internet, from the IANA registries of special-purpose addresses (RFC 6890 and its
 * updates), by what they are for. The first that has an address gives its kind. Of IPv6 everything beyond 2000::/3,
 * which alone is given out as public, is among them.
 */
export const SPECIAL_NETWORKS: readonly (readonly [kind: string, networks: readonly string[]])[] = [
  ['unspecified', ['0.0.0.0/8', '::/128']],
  ['loopback', ['127.0.0.0/8', '::1/128']],
  // Where clouds have their metadata services.
  ['link-local', ['169.254.0.0/16', 'fe80::/10']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fec0::/10']],
  ['carrier-grade NAT', ['100.64.0.0/10']],
  ['multicast', ['224.0.0.0/4', 'ff00::/8']],
  ['broadcast', ['255.255.255.255/32']],
  ['documentation', ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32', '3fff::/20']],
  ['benchmarking', ['198.18.0.0/15', '2001:2::/48']],
  // Teredo is in 2001::/23: where it leads is a relay's to say.
  [
    'reserved',
    ['192.0.0.0/24', '192.88.99.0/24', '240.0.0.0/4', '2001::/23', '::/3', '4000::/2', '8000::/1'],
  ],
];

/** Where in an IPv6 address of a network the IPv4 address stands that it leads to, in groups of 16 bits. */
const EMBEDDINGS: readonly (readonly [network: string, firstGroup: number])[] = [
  // Mapped, translated, behind NAT64, and 6to4.
  ['::ffff:0:0/96', 6],
  ['::ffff:0:0:0/96', 6],
  ['64:ff9b::/96', 6],
  ['2002::/16', 1],
  // "Compatible", long given up.
  ['::/96', 6],
];
/** In the last of them, and yet addresses of their own: `::` and `::1`. */
const OWN_NETWORK = '::/112';

/** A set of addresses, given by networks. IPv4 and IPv6 are apart: `::/0` has no IPv4 address in it. */
export class Networks {
  // In one BlockList, a network of IPv6 around ::ffff:0:0/96 would have all of IPv4 in it.
  readonly #lists = { 4: new BlockList(), 6: new BlockList() };

  /** Each of the form that parseNetwork takes. */
  constructor(networks: readonly string[]) {
    for (const { address, family, prefix } of networks.map(parseNetwork)) {
      this.#lists[family].addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
    }
  }

  has(address: string): boolean {
    return isIPv6(address) ? this.#lists[6].check(address, 'ipv6') : this.#lists[4].check(address, 'ipv4');
  }
}

export interface Network {
  readonly address: string;
  readonly family: 4 | 6;
  /** Leading bits that count. */
  readonly prefix: number;
}

/** `10.0.0.0/8`, `fd00::/8`, or one address. RangeError when it is neither. */
export function parseNetwork(text: string): Network {
  const [, address = '', bits] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  const length = family === 6 ? 128 : 32;
  const prefix = bits === undefined ? length : Number(bits);
  if ((family !== 4 && family !== 6) || prefix > length) throw new RangeError(`no network: ${text}`);
  return { address, family, prefix };
}

const EMBEDDING_NETWORKS = EMBEDDINGS.map(([network, group]) => [new Networks([network]), group] as const);
const OWN = new Networks([OWN_NETWORK]);

/** The IPv4 address that an IPv6 address leads to; undefined when it is an address of its own. */
export function embeddedIpv4(address: string): string | undefined {
  if (!isIPv6(address) || OWN.has(address)) return undefined;
  const first = EMBEDDING_NETWORKS.find(([network]) => network.has(address))?.[1];
  if (first === undefined) return undefined;
  const [high = 0, low = 0] = groupsOf(address).slice(first);
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  // The URL parser writes every form the one way, dotted endings as groups.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const before = numbersOf(head);
  const after = numbersOf(tail ?? '');
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

function numbersOf(groups: string): number[] {
  return groups === '' ? [] : groups.split(':').map((group) => Number.parseInt(group, 16));
}
