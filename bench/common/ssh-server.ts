import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, rmdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { killTree, runShell } from './shell.ts';

const PACKAGES = 'openssh-server openssh-client';
const SSHD = '/usr/sbin/sshd';
/** Compiled into Debian's sshd, which does not start as root without it; the system makes it at boot. */
const PRIVILEGE_SEPARATION_FOLDER = '/run/sshd';
const START_ATTEMPTS = 40;
const START_POLL_MS = 100;

/** An ssh server with keys of its own, for whoever runs this, and nobody else. */
export class SshServer implements AsyncDisposable {
  /** Runs at the other side what follows it. */
  readonly command: readonly string[];
  readonly #child: ChildProcess;
  readonly #madeFolder: boolean;

  private constructor(child: ChildProcess, command: readonly string[], madeFolder: boolean) {
    this.#child = child;
    this.command = command;
    this.#madeFolder = madeFolder;
  }

  /** In an empty folder of its own. Returns a sentence when it cannot be had on this machine. */
  static async start(
    folder: string,
    signal: AbortSignal,
    address = '127.0.0.1',
  ): Promise<SshServer | string> {
    if (!existsSync(SSHD) || !(await isThere('ssh', signal))) {
      return `ssh is left out: it needs sshd and ssh (Debian: apt-get install ${PACKAGES})`;
    }
    await mkdir(folder, { mode: 0o700 });
    const port = await freePort(address);
    for (const key of ['host', 'user']) {
      await runShell(`ssh-keygen -q -t ed25519 -N '' -f '${join(folder, key)}'`, signal);
    }
    await copyFile(join(folder, 'user.pub'), join(folder, 'authorized'));
    await chmod(join(folder, 'authorized'), 0o600);
    const config = join(folder, 'sshd_config');
    await writeFile(config, serverConfig(folder, address, port));
    const madeFolder = process.getuid?.() === 0 && !existsSync(PRIVILEGE_SEPARATION_FOLDER);
    if (madeFolder) await mkdir(PRIVILEGE_SEPARATION_FOLDER, { mode: 0o755 });
    const child = spawn(SSHD, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (data) => {
      said = `${said}${data}`.slice(-1000);
    });
    const server = new SshServer(child, clientCommand(folder, address, port), madeFolder);
    if (await server.#answers(signal)) return server;
    await server[Symbol.asyncDispose]();
    signal.throwIfAborted();
    return `ssh is left out: an sshd of its own did not let us in: ${said.trim().split('\n').at(-1)}`;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, 'exit');
      killTree(this.#child.pid);
      await gone;
    }
    if (this.#madeFolder) await rmdir(PRIVILEGE_SEPARATION_FOLDER);
  }

  async #answers(signal: AbortSignal): Promise<boolean> {
    for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
      if (this.#child.exitCode !== null) return false;
      const answer = await runShell([...this.command, 'true'].join(' '), signal).catch(() => undefined);
      if (answer !== undefined) return true;
      if (signal.aborted) return false;
      await delay(START_POLL_MS);
    }
    return false;
  }
}

/** Ciphers and the rest are what the packages bring: that is what people use. */
function serverConfig(folder: string, address: string, port: number): string {
  return `${[
    `Port ${port}`,
    `ListenAddress ${address}`,
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized')}`,
    `AllowUsers ${userInfo().username}`,
    'PidFile none',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'StrictModes no',
    'PrintMotd no',
    'PermitUserRC no',
    // What the user's shell would do first, by files in the home folder, is no part of a copy.
    `SetEnv HOME=${folder}`,
  ].join('\n')}\n`;
}

function clientCommand(folder: string, address: string, port: number): string[] {
  const options = ['BatchMode=yes', 'IdentitiesOnly=yes', 'StrictHostKeyChecking=no', 'LogLevel=ERROR'];
  const known = `UserKnownHostsFile=${join(folder, 'known')}`;
  const flags = [...options, known].flatMap((option) => ['-o', option]);
  const there = `${userInfo().username}@${address}`;
  return ['ssh', '-F', 'none', '-p', String(port), '-i', join(folder, 'user'), ...flags, there];
}

async function isThere(program: string, signal: AbortSignal): Promise<boolean> {
  return await runShell(`command -v ${program}`, signal).then(
    () => true,
    () => false,
  );
}

/** One that was free a moment ago. */
async function freePort(address: string): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  const place = server.address();
  server.close();
  await once(server, 'close');
  return typeof place === 'object' && place !== null ? place.port : 0;
}
