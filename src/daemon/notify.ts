import koffi from 'koffi';
import { Refusal } from '../domain/refusal.ts';

const LIBRARY = 'libsystemd.so.0';

/** Tells the service manager how the daemon is. Silent when it was not started by one. */
export interface Notifier {
  /** It does its work from now on. UNAVAILABLE when the service manager cannot be told: it would wait in vain. */
  ready(status: string): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  /** It is on its way out: no more watchdog, and the time until it ends is TimeoutStopSec. */
  stopping(): void;
  /**
   * Pings at half of WatchdogSec, only while `isHealthy`; the service manager restarts who
   * is silent for longer. Does not keep the process alive. Call it once; `stopping` ends it.
   */
  watchdog(isHealthy: () => boolean): void;
}

type Send = (state: string) => number;

/** Over sd_notify, as systemd and the managers that speak its protocol have it. */
export function notifier(): Notifier {
  return process.env['NOTIFY_SOCKET'] ? new SystemdNotifier(loadSend()) : SILENT;
}

const SILENT: Notifier = {
  ready: () => undefined,
  status: () => undefined,
  stopping: () => undefined,
  watchdog: () => undefined,
};

class SystemdNotifier implements Notifier {
  readonly #send: Send;
  #pings: NodeJS.Timeout | undefined;

  constructor(send: Send) {
    this.#send = send;
  }

  ready(status: string): void {
    const result = this.#send(`READY=1\n${statusLine(status)}`);
    if (result > 0) return;
    throw new Refusal('UNAVAILABLE', `cannot tell the service manager: sd_notify returned ${result}`, {
      hint: 'is the socket named in NOTIFY_SOCKET there, and may this process write to it?',
    });
  }

  // From here on a message that is lost costs a line in a status, or is noticed by the watchdog.

  status(text: string): void {
    this.#send(statusLine(text));
  }

  stopping(): void {
    clearInterval(this.#pings);
    this.#send(`STOPPING=1\n${statusLine('stopping')}`);
  }

  watchdog(isHealthy: () => boolean): void {
    const intervalMs = watchdogIntervalMs(process.env, process.pid);
    if (intervalMs === undefined || this.#pings !== undefined) return;
    const ping = (): void => {
      if (isHealthy()) this.#send('WATCHDOG=1');
    };
    ping();
    this.#pings = setInterval(ping, intervalMs).unref();
  }
}

/** Half of what the service manager allows between pings; undefined when it wants none from this process. */
export function watchdogIntervalMs(env: NodeJS.ProcessEnv, pid: number): number | undefined {
  const watchedPid = env['WATCHDOG_PID'];
  if (watchedPid !== undefined && watchedPid !== String(pid)) return undefined;
  const allowedUsec = Number(env['WATCHDOG_USEC']);
  if (!Number.isSafeInteger(allowedUsec) || allowedUsec <= 0) return undefined;
  return Math.max(1, Math.floor(allowedUsec / 2 / 1000));
}

function loadSend(): Send {
  try {
    // 0: the variables stay, so that the library finds the socket again the next time.
    const sdNotify = koffi.load(LIBRARY).func('int sd_notify(int unset_environment, const char *state)');
    return (state) => sdNotify(0, state) as number;
  } catch (error) {
    throw new Refusal('UNAVAILABLE', `NOTIFY_SOCKET is set, but ${LIBRARY} cannot be loaded`, {
      hint: 'install libsystemd0, or use Type=exec in the unit',
      cause: error,
    });
  }
}

/** A line feed would begin another assignment. */
function statusLine(text: string): string {
  return `STATUS=${text.replaceAll(/\s+/g, ' ')}`;
}
