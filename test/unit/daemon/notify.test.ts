import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import koffi from 'koffi';
import { describe, expect, it } from 'vitest';
import { watchdogIntervalMs } from '../../../src/daemon/notify.ts';
import { Datagrams } from './datagrams.ts';

const hasLibrary = canLoad('libsystemd.so.0');

describe('notifier', () => {
  it.skipIf(!hasLibrary)('tells readiness, health and the end to the service manager', async () => {
    await using manager = await Datagrams.bind();
    const child = start({ NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: '20000' });
    const exited = once(child, 'exit');

    expect(await manager.receive()).toBe('STATUS=opening the catalogue');
    // One line: what follows a line feed would be another assignment.
    expect(await manager.receive()).toBe('READY=1\nSTATUS=serving MAINPID=1');
    expect(await manager.receive()).toBe('WATCHDOG=1');
    expect(await manager.receive()).toBe('WATCHDOG=1');

    child.send('fall-sick');
    expect(await manager.receiveAfter('WATCHDOG=1')).toBe('STATUS=fall-sick');
    // Its health was asked for three times, and no ping came in between.
    expect(await manager.receive()).toBe('STATUS=still sick');
    child.send('get-well');
    expect(await manager.receive()).toBe('STATUS=get-well');
    expect(await manager.receive()).toBe('WATCHDOG=1');

    child.send('stop');
    expect(await manager.receiveAfter('WATCHDOG=1')).toBe('STATUS=stop');
    expect(await manager.receive()).toBe('STOPPING=1\nSTATUS=stopping');
    // The pings do not keep it alive.
    expect(await exited).toEqual([0, null]);
  });

  it('is silent without a service manager', async () => {
    const child = start({});
    const exited = once(child, 'exit');
    child.send('stop');
    expect(await exited).toEqual([0, null]);
  });

  it.skipIf(!hasLibrary)('refuses to be ready when nobody can be told', async () => {
    const child = start({ NOTIFY_SOCKET: '/nonexistent/notify' });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const [code] = (await once(child, 'close')) as [number];
    expect(code).not.toBe(0);
    expect(said).toContain('cannot tell the service manager');
  });
});

describe('the watchdog interval', () => {
  it.each([
    ['half of what is allowed', { WATCHDOG_USEC: '30000000' }, 15_000],
    ['for this process', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 15_000],
    ['not for another process', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, undefined],
    ['none wanted', {}, undefined],
    ['nonsense', { WATCHDOG_USEC: 'often' }, undefined],
    ['zero', { WATCHDOG_USEC: '0' }, undefined],
  ])('%s', (_what, env, expected) => {
    expect(watchdogIntervalMs(env, 7)).toBe(expected);
  });
});

function start(env: Record<string, string>): ChildProcess {
  const inherited = { ...process.env };
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete inherited[name];
  return fork(new URL('./notify-child.ts', import.meta.url), {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

function canLoad(library: string): boolean {
  try {
    koffi.load(library);
    return true;
  } catch {
    return false;
  }
}
