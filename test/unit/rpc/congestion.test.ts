import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer, Socket } from 'node:net';
import koffi from 'koffi';
import { describe, expect, it } from 'vitest';
import { callServerStream } from '../../../src/rpc/calls.ts';
import { CongestionControl } from '../../../src/rpc/congestion.ts';
import { fdOf, type Kernel, linux } from '../../../src/rpc/kernel-socket.ts';
import { Transfer } from '../../../src/rpc/proto.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { collect, type LogLine, serve } from './harness.ts';

const { ENOENT = 0, EPERM = 0 } = koffi.os.errno;
const kernel = linux() as Kernel;

/** A system's default, and another algorithm that it has. */
const SYSTEM = await sysctl('tcp_congestion_control');
const OTHER = (await sysctl('tcp_available_congestion_control')).split(' ').find((name) => name !== SYSTEM);

async function sysctl(name: string): Promise<string> {
  return (await readFile(`/proc/sys/net/ipv4/${name}`, 'utf8')).trim();
}

function logged(choice: string, given: Kernel = kernel) {
  const lines: LogLine[] = [];
  const target = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const log = createLoggers({ component: 'agent', level: 'info', storeId: 'dcn0', target }).transfer;
  return { lines, control: new CongestionControl({ choice, log, kernel: given }) };
}

/** A socket that says it comes from there; `fd` is its number. */
function socketFrom(remoteAddress: string, fd: number | undefined = 7): Socket {
  return { remoteAddress, _handle: fd === undefined ? undefined : { fd } } as unknown as Socket;
}

/** Answers with an errno, and remembers what it was asked. */
function fakeKernel(errno: number): Kernel & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    setCongestion: (fd, name) => {
      asked.push(`${fd} ${name}`);
      return errno;
    },
    congestionOf: () => (errno === 0 ? asked.at(-1)?.split(' ')[1] : 'cubic'),
    roundTripMs: () => undefined,
  };
}

describe('the congestion control of a socket', () => {
  it('is that of the system, until another is chosen', async () => {
    if (OTHER === undefined) throw new Error('this test needs a kernel with two algorithms');
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const client = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
    const [accepted] = (await once(server, 'connection')) as [Socket];
    try {
      await once(client, 'connect').catch(() => {});
      const { lines, control } = logged(OTHER);
      for (const socket of [client, accepted]) {
        const fd = fdOf(socket) as number;
        expect(kernel.congestionOf(fd)).toBe(SYSTEM);
        logged('system').control.apply(socket);
        logged('auto').control.apply(socket);
        // Neither of the two has anything to do on the loopback.
        expect(kernel.congestionOf(fd)).toBe(SYSTEM);
        control.apply(socket);
        expect(kernel.congestionOf(fd)).toBe(OTHER);
      }
      expect(lines).toMatchObject([
        { level: 'info', congestionControl: OTHER, msg: `image data is sent with ${OTHER}` },
      ]);
      const none = logged('no-such-thing');
      none.control.apply(client);
      expect(kernel.congestionOf(fdOf(client) as number)).toBe(OTHER);
      expect(none.lines).toMatchObject([{ level: 'warn', hint: expect.stringContaining('modprobe') }]);
    } finally {
      client.destroy();
      accepted.destroy();
      server.close();
    }
  });

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])('stays by itself to %s, and is bbr elsewhere', (near) => {
    const fake = fakeKernel(0);
    const { lines, control } = logged('auto', fake);
    control.apply(socketFrom(near));
    expect(fake.asked).toEqual([]);
    for (const far of ['10.0.0.1', '2001:db8::1', '::ffff:10.0.0.1']) control.apply(socketFrom(far));
    expect(fake.asked).toEqual(['7 bbr', '7 bbr', '7 bbr']);
    expect(lines).toMatchObject([{ level: 'info', msg: 'image data is sent with bbr' }]);
  });

  it.each([
    ['auto', EPERM, 'info', 'net.ipv4.tcp_allowed_congestion_control'],
    ['auto', ENOENT, 'info', 'modprobe tcp_bbr'],
    ['bbr', EPERM, 'warn', 'net.ipv4.tcp_allowed_congestion_control'],
  ])(
    '%s that the kernel answers with errno %i is said once, and harms nobody',
    (choice, errno, level, hint) => {
      const { lines, control } = logged(choice, fakeKernel(errno));
      for (let count = 0; count < 3; count++) control.apply(socketFrom('10.0.0.1'));
      expect(lines).toMatchObject([
        {
          level,
          congestionControl: 'cubic',
          hint: expect.stringContaining(hint),
          msg: 'image data is sent with cubic, not with bbr',
        },
      ]);
    },
  );

  it('cannot be chosen for a socket that has no number', () => {
    const fake = fakeKernel(0);
    const { lines, control } = logged('auto', fake);
    control.apply({ remoteAddress: '10.0.0.1' } as Socket);
    control.apply(new Socket());
    expect(fake.asked).toEqual([]);
    expect(lines).toMatchObject([{ level: 'warn' }]);
  });
});

// The one end is handed over by grpc-js by a method of its own, the other by an event of Node's.
it('is set on both ends of a gRPC connection before TLS, by who asks for it', async () => {
  const sockets: { end: string; fd: number | undefined; isNew: boolean }[] = [];
  const note = (end: string) => (socket: Socket) => {
    sockets.push({ end, fd: fdOf(socket), isNew: socket.bytesRead + socket.bytesWritten === 0 });
  };
  await using bench = await serve({ Transfer: { Pull: async () => {} } }, { onSocket: note('server') });
  await collect(
    callServerStream(bench.channel({ onSocket: note('client') }), Transfer.Pull, { imageId: '', runs: [] }),
  );
  await collect(callServerStream(bench.channel(), Transfer.Pull, { imageId: '', runs: [] }));
  const number = expect.any(Number);
  expect(sockets.sort((a, b) => a.end.localeCompare(b.end))).toEqual([
    { end: 'client', fd: number, isNew: true },
    { end: 'server', fd: number, isNew: true },
    { end: 'server', fd: number, isNew: true },
  ]);
});
