import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Below are ports of well-known services, and those of Ceph's daemons. */
const FIRST_PORT = 10_000;

/** From here on clusters for tests take theirs. */
const END_PORT = 20_000;

/** Every worker of a run looks in a part of its own. */
const WORKERS = 8;

/** Given out by this process: not again before all others were, for whoever has one may be restarting. */
let at: number | undefined;

/**
 * Ports on the loopback that nothing listens on, all different, and none the kernel gives out by itself:
 * one of those may become the near end of anybody's connection before a daemon comes to listen on it.
 */
export async function freePorts(count: number): Promise<number[]> {
  const [first, end] = ownRange();
  at ??= first + Math.floor(Math.random() * (end - first));
  const ports: number[] = [];
  for (let tried = 0; ports.length < count; tried += 1) {
    if (tried === end - first) throw new Error(`no ${count} free ports from ${first} to ${end - 1}`);
    const port: number = at;
    at = port + 1 < end ? port + 1 : first;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** First port and the one after the last. */
function ownRange(): [number, number] {
  const [ephemeral = ''] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s/);
  if (Number(ephemeral) < END_PORT)
    throw new Error(
      `the kernel gives out ports from ${ephemeral} on; the tests need those below ${END_PORT}`,
    );
  const share = (END_PORT - FIRST_PORT) / WORKERS;
  const first = FIRST_PORT + (Number(process.env['VITEST_POOL_ID'] ?? 0) % WORKERS) * share;
  return [first, first + share];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listens = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (listens) await new Promise((resolve) => server.close(resolve));
  return listens;
}
