import { createServer } from 'node:net';

/** Below the ports Linux hands out by itself (32768 and up). */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
export const PORTS_PER_CLUSTER = 100;

/** First ports of all blocks a cluster may take, in random order. */
export function portBlocks(): number[] {
  const count = (LAST_PORT - FIRST_PORT) / PORTS_PER_CLUSTER;
  const shift = Math.floor(Math.random() * count);
  return Array.from({ length: count }, (_, i) => FIRST_PORT + ((i + shift) % count) * PORTS_PER_CLUSTER);
}

/** Can both of the monitor's ports be had? The OSD looks for free ones itself. */
export async function blockIsFree(basePort: number): Promise<boolean> {
  return (await portIsFree(basePort)) && (await portIsFree(basePort + 1));
}

function portIsFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  return promise;
}
