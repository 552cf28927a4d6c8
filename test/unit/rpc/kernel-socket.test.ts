import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { fdOf, type Kernel, linux } from '../../../src/rpc/kernel-socket.ts';

const kernel = linux() as Kernel;

it("the kernel's round trip is known at both ends of a new connection, and of no other file", async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const client = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  try {
    for (const socket of [client, accepted]) {
      const roundTripMs = kernel.roundTripMs(fdOf(socket) as number);
      // What lies beside it in the kernel's answer are counts, of at most two packets by now: 0.002 at most.
      expect(roundTripMs).toBeGreaterThan(0.002);
      expect(roundTripMs).toBeLessThan(1000);
    }
    expect(kernel.roundTripMs(0)).toBeUndefined();
  } finally {
    client.destroy();
    accepted.destroy();
    server.close();
  }
});
