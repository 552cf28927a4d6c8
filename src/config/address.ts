import { Refusal } from '../domain/refusal.ts';

/** Where to listen, or whom to call. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;
const PORT_MAX = 65_535;

/** `host:port`, with an IPv6 host in brackets; undefined when the text is not of that form. */
export function parseAddress(text: string): Address | undefined {
  const match = ADDRESS.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > PORT_MAX ? undefined : { host, port };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function isLoopback({ host }: Address): boolean {
  return LOOPBACK.test(host);
}

/** Why listening failed, whichever library says so in its own way. */
export function listenRefusal(what: string, address: Address, error: unknown): Refusal {
  const text = error instanceof Error ? error.message : String(error);
  const where = `${what} cannot listen on ${formatAddress(address)}`;
  const details = { cause: error };
  if (text.includes('EADDRINUSE')) {
    return new Refusal('CONFLICT', `${where}: the port is in use`, {
      ...details,
      hint: `stop what uses it (\`ss -ltnp 'sport = :${address.port}'\` shows it), or set another port under \`listen\` in the configuration`,
    });
  }
  if (text.includes('EACCES')) {
    return new Refusal('FORBIDDEN', `${where}: not allowed`, {
      ...details,
      hint: 'ports below 1024 need rights; set another port under `listen` in the configuration',
    });
  }
  if (text.includes('EADDRNOTAVAIL') || text.includes('ENOTFOUND')) {
    return new Refusal('INVALID', `${where}: this machine does not have that address`, {
      ...details,
      hint: 'set an address of this machine under `listen` in the configuration',
    });
  }
  return new Refusal('UNAVAILABLE', `${where}: ${text}`, details);
}
