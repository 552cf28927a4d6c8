import { Refusal } from '../domain/refusal.ts';
import { CONFIG_KEYS } from './config-keys.ts';
import { embeddedIpv4, Networks, parseNetwork, SPECIAL_NETWORKS } from './special-networks.ts';

/** Each network apart, so that a refusal names the one that was meant. */
const SPECIAL = SPECIAL_NETWORKS.flatMap(([kind, networks]) =>
  networks.map((network) => ({ kind, network, set: new Networks([network]) })),
);

export interface AddressFilterSettings {
  /** `10.1.0.0/16`, `fd00:1::/32` or single addresses: may be fetched from although they are no public ones. */
  readonly allowedNetworks?: readonly string[];
}

/**
 * Which addresses may be connected to: those of the public internet, and of the networks an administrator allows. An
 * IPv6 address that leads to an IPv4 one (mapped, translated, NAT64, 6to4) is judged as that one.
 */
export class AddressFilter {
  readonly #allowed: Networks;

  /** INVALID when an allowed network is none, or one of IPv6 whose addresses are judged as IPv4 ones. */
  constructor({ allowedNetworks = [] }: AddressFilterSettings = {}) {
    for (const network of allowedNetworks) requireNetwork(network);
    this.#allowed = new Networks(allowedNetworks);
  }

  /**
   * Undefined when `address` may be connected to; otherwise what it is, as `loopback, 127.0.0.0/8`: the network,
   * since that is what would be allowed, and not the address, which may be known to internal name servers only.
   */
  objection(address: string): string | undefined {
    // Without its zone, which says by which interface, not where to.
    const [plain = ''] = address.split('%');
    const judged = embeddedIpv4(plain) ?? plain;
    if (this.#allowed.has(judged)) return undefined;
    const special = SPECIAL.find(({ set }) => set.has(judged));
    return special && `${special.kind}, ${special.network}`;
  }
}

function requireNetwork(text: string): void {
  const wrong = (why: string, hint: string) =>
    new Refusal('INVALID', `${CONFIG_KEYS.allowedNetworks} has ${JSON.stringify(text)}, ${why}`, { hint });
  let network: ReturnType<typeof parseNetwork>;
  try {
    network = parseNetwork(text);
  } catch {
    throw wrong('which is no network', 'write it as 10.0.0.0/8 or fd00::/8');
  }
  const ipv4 = embeddedIpv4(network.address);
  if (ipv4 === undefined) return;
  throw wrong('which allows nothing', `its addresses lead to IPv4 ones: write the network of ${ipv4}`);
}
