import { Refusal } from '../domain/refusal.ts';
import { CONFIG_KEYS } from './config-keys.ts';
import { hostOf, parseUrl, portOf, safeUrl } from './url.ts';

/**
 * Which URIs images are fetched from. Of each pair of lists the allowed one decides alone when anything is in it, as
 * in Glance's import_filtering_opts; otherwise everything passes but what the disallowed one has. Hosts are names or
 * IP addresses, compared whole.
 */
export interface UriFilterSettings {
  readonly allowedSchemes: readonly string[];
  readonly disallowedSchemes: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly disallowedHosts: readonly string[];
  readonly allowedPorts: readonly number[];
  readonly disallowedPorts: readonly number[];
}

/** Glance's. To go by `disallowedPorts`, `allowedPorts` must be emptied. */
export const DEFAULT_URI_FILTER: UriFilterSettings = {
  allowedSchemes: ['http', 'https'],
  disallowedSchemes: [],
  allowedHosts: [],
  disallowedHosts: [],
  allowedPorts: [80, 443],
  disallowedPorts: [],
};

/** All that can be fetched, whatever is allowed. */
const KNOWN_SCHEMES: readonly string[] = ['http', 'https'];

type Part = 'Schemes' | 'Hosts' | 'Ports';

/**
 * What a URI says of itself: scheme, host and port. Where a host's name leads is for AddressFilter to see.
 *
 * A URI without a port is checked as one with the port of its scheme, since that is where the connection goes.
 * Glance passes it unchecked, so that there `https://host/` reaches port 443 although only 8443 is allowed.
 */
export class UriFilter {
  readonly #allowed: Readonly<Record<Part, ReadonlySet<string>>>;
  readonly #disallowed: Readonly<Record<Part, ReadonlySet<string>>>;

  /** INVALID when an entry of the hosts is none. */
  constructor(settings: Partial<UriFilterSettings> = {}) {
    const all = { ...DEFAULT_URI_FILTER, ...settings };
    this.#allowed = {
      Schemes: new Set(all.allowedSchemes.map(normalScheme)),
      Hosts: new Set(all.allowedHosts.map((host) => normalHost(host, CONFIG_KEYS.allowedHosts))),
      Ports: new Set(all.allowedPorts.map(String)),
    };
    this.#disallowed = {
      Schemes: new Set(all.disallowedSchemes.map(normalScheme)),
      Hosts: new Set(all.disallowedHosts.map((host) => normalHost(host, CONFIG_KEYS.disallowedHosts))),
      Ports: new Set(all.disallowedPorts.map(String)),
    };
  }

  /** INVALID when `text` is no URI, otherwise as `require`. */
  parse(text: string): URL {
    const url = parseUrl(text);
    this.require(url);
    return url;
  }

  /** FORBIDDEN when the URL is not one to fetch from; UNSUPPORTED when its scheme is allowed and yet none we speak. */
  require(url: URL): void {
    const scheme = url.protocol.slice(0, -1);
    this.#check(url, 'Schemes', scheme, `the scheme ${scheme}`);
    if (!KNOWN_SCHEMES.includes(scheme)) {
      throw new Refusal('UNSUPPORTED', `${safeUrl(url)} is not fetched: nothing here speaks ${scheme}`, {
        hint: 'give a URI of http or https',
      });
    }
    this.#check(url, 'Hosts', hostOf(url), `the host ${hostOf(url)}`);
    this.#check(url, 'Ports', String(portOf(url)), `port ${portOf(url)}`);
  }

  #check(url: URL, part: Part, value: string, what: string): void {
    const allowed = this.#allowed[part];
    const passes = allowed.size > 0 ? allowed.has(value) : !this.#disallowed[part].has(value);
    if (passes) return;
    throw new Refusal('FORBIDDEN', `${safeUrl(url)} is not fetched: ${what} is not allowed`, {
      hint: this.#hint(part),
    });
  }

  /** Hosts are not listed: who asks need not know with whom this cloud has to do. */
  #hint(part: Part): string {
    const allowed = this.#allowed[part];
    if (allowed.size === 0) return `\`${CONFIG_KEYS[`disallowed${part}`]}\` in the configuration has it`;
    const listed = part === 'Hosts' ? '' : `: ${[...allowed].join(', ')}`;
    return `\`${CONFIG_KEYS[`allowed${part}`]}\` in the configuration says what is allowed${listed}`;
  }
}

function normalScheme(scheme: string): string {
  return scheme.toLowerCase();
}

/** A port, a path or a user is no part of a host, and would make an entry that never matches. */
const HOST = /^(\[[0-9a-f:.]+\]|[^\s[\]:/?#@\\]+)$/i;

/** As the host of a URL comes out of parseUrl. */
function normalHost(host: string, key: string): string {
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  if (HOST.test(bracketed) && URL.canParse(`http://${bracketed}`)) {
    return hostOf(parseUrl(`http://${bracketed}`));
  }
  throw new Refusal('INVALID', `${key} has ${JSON.stringify(host)}, which is no host`, {
    hint: 'a host is a name or an IP address, as images.example.org: without scheme, port or path',
  });
}
