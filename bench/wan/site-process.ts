// A process in a site's namespace: it starts there what belongs to the site, and does what it is asked by its parent's
// messages. When the parent is gone, or lets go of it, it removes what it started, and ends.
import { writeFile } from 'node:fs/promises';
import { CephCluster } from '../../test/ceph/cluster/index.ts';
import { DaemonProcess } from '../../test/cloud/daemon-process.ts';
import { runShell } from '../common/shell.ts';
import { SshServer } from '../common/ssh-server.ts';
import type { SiteAnswer, SiteCalls, SiteQuestion, TcpSettings } from './site-calls.ts';
import { sendByTcp, TcpReceiver } from './tcp.ts';

const SETTINGS = '/proc/sys/net/ipv4';

const end = new AbortController();
const stack = new AsyncDisposableStack();
const daemons = new Map<string, DaemonProcess>();

const calls: SiteCalls = {
  setTcp,
  async startCluster(request) {
    const { confPath, pool } = await keep(CephCluster.start(request));
    return { confPath, pool };
  },
  async startDaemon(options) {
    const daemon = new DaemonProcess(options);
    stack.defer(async () => void (await daemon.kill('SIGKILL')));
    daemons.set(options.name, daemon);
    await daemon.start();
    return daemon.pid;
  },
  metricsOf: async (name) => await daemonOf(name).metrics(),
  logOf: async (name) => daemonOf(name).log(),
  async startSsh({ folder, address }) {
    const server = await SshServer.start(folder, end.signal, address);
    return typeof server === 'string' ? server : stack.use(server).command;
  },
  run: async (line) => await runShell(line, end.signal),
  receiveByTcp: async (address) => (await keep(TcpReceiver.start(address))).place,
  sendByTcp,
};

process.on('message', (question: SiteQuestion) => void answer(question));
process.once('disconnect', () => void stop());

async function answer({ id, call, argument }: SiteQuestion): Promise<void> {
  const reply = await ask(call, argument).then(
    (value): SiteAnswer => ({ id, value }),
    (error: unknown): SiteAnswer => ({ id, error: error instanceof Error ? error.message : String(error) }),
  );
  if (process.connected) process.send?.(reply);
}

async function ask(call: keyof SiteCalls, argument: unknown): Promise<unknown> {
  // Both sides are of one program: what is asked for is what the call takes.
  return await (calls[call] as (argument: unknown) => Promise<unknown>)(argument);
}

/** Also when it comes to be while the rest is being removed. */
async function keep<T extends AsyncDisposable>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  if (stack.disposed) await started[Symbol.asyncDispose]();
  return stack.use(started);
}

function daemonOf(name: string): DaemonProcess {
  const daemon = daemons.get(name);
  if (daemon === undefined) throw new Error(`no ${name} here`);
  return daemon;
}

async function stop(): Promise<void> {
  end.abort(new Error('the bench has ended'));
  await stack.disposeAsync();
  process.exit();
}

/** Of this namespace alone. */
async function setTcp({ congestion, readBytes, writeBytes }: TcpSettings): Promise<void> {
  const settings = {
    tcp_congestion_control: congestion,
    tcp_rmem: `4096 131072 ${readBytes}`,
    tcp_wmem: `4096 16384 ${writeBytes}`,
    // Otherwise a connection begins with what the last one found out.
    tcp_no_metrics_save: '1',
  };
  for (const [name, value] of Object.entries(settings)) {
    await writeFile(`${SETTINGS}/${name}`, value).catch((cause: unknown) => {
      throw new Error(`Linux does not take ${value} for ${name}`, { cause });
    });
  }
}
