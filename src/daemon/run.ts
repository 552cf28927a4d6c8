import { Refusal } from '../domain/refusal.ts';
import type { Log } from '../telemetry/log.ts';
import { notifier } from './notify.ts';
import { StopSignals } from './stop-signals.ts';

/** For a chunk under way to be written and its checkpoint to be flushed, also by a cluster that is slow. */
const DRAIN_MS = 20_000;

/** For whatever still holds the process when the drain was cut. */
const LAST_RESORT_MS = 1_000;

export interface Daemon {
  /** For log lines: `hub`, `agent`. */
  readonly name: string;
  readonly log: Log;
  /** For `systemctl status`, once it is ready. */
  readonly readyStatus: string;
  /**
   * Settles when the daemon does its work; `status` tells what it waits for until then.
   * A Refusal ends the process. `stop` aborts when it is told to end before that.
   */
  readonly start: (stop: AbortSignal, status: (text: string) => void) => Promise<void>;
  /** All are disposed of at the end, at the same time. */
  readonly parts: readonly AsyncDisposable[];
}

/**
 * Runs a daemon until SIGTERM or SIGINT, then drains it; a second signal cuts the drain.
 * The service manager is told when it is ready, and the watchdog is fed from the event
 * loop: a loop that stands still is restarted.
 */
export async function runDaemon({ name, log, readyStatus, start, parts }: Daemon): Promise<void> {
  const service = notifier();
  using signals = new StopSignals();
  const { stop, cut } = signals;
  const told = new Promise<void>((resolve) =>
    stop.addEventListener('abort', () => resolve(), { once: true }),
  );
  try {
    await start(stop, (text) => service.status(text));
    if (!stop.aborted) {
      service.ready(readyStatus);
      service.watchdog(() => true);
      log.info(`${name} is ready`);
      await told;
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    service.stopping();
    log.info(`${name} stops`);
    await drain(name, parts, cut, log);
  }
}

/** Never rejects. What does not end in time is left behind, and ends with the process. */
async function drain(
  name: string,
  parts: readonly AsyncDisposable[],
  cut: AbortSignal,
  log: Log,
): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Refusal('TIMEOUT', `not done within ${DRAIN_MS} ms`)),
    DRAIN_MS,
  );
  const onCut = () => late.reject(Refusal.from(cut.reason));
  cut.addEventListener('abort', onCut, { once: true });
  try {
    await Promise.race([Promise.all(parts.map((part) => part[Symbol.asyncDispose]())), late.promise]);
    log.info(`${name} has stopped`);
  } catch (error) {
    const { code, message } = Refusal.from(error);
    log.warn({ code }, `${name} did not stop well: ${message}`);
    setTimeout(() => process.exit(), LAST_RESORT_MS).unref();
  } finally {
    clearTimeout(timer);
    cut.removeEventListener('abort', onCut);
  }
}
