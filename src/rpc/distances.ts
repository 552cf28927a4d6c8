import { setTimeout as sleep } from 'node:timers/promises';
import { service as health } from 'grpc-health-check';
import { callUnary } from './calls.ts';
import { type BulkChannelSettings, type ChannelSettings, separateChannel } from './channel.ts';
import { fdOf, linux } from './kernel-socket.ts';
import { type LinkWishes, planLink } from './link-plan.ts';
import type { Method } from './methods.ts';

/** Links are laid for years, but may fail over to a longer way. */
const REMEMBERED_MS = 10 * 60_000;
const REMEMBERED_WHEN_UNSURE_MS = 60_000;

/** The smallest of so many calls: each may wait for a busy process, here or there. */
const CALLS = 5;

/** Far away it is told from near soon, and a few milliseconds make no difference. */
const ENOUGH_MS = 100;

/**
 * A call that takes so much longer than the kernels' round trip waits for busy processes, or goes on from a proxy. For
 * a process it does not wait every time, so it is tried for longer. What is nearer behind a proxy does well as a near one.
 */
const PROXY_FROM_MS = 15;
const UNSURE_FOR_MS = 500;
const BETWEEN_CALLS_MS = 5;

// biome-ignore lint/suspicious/noExplicitAny: an empty question, and only that it is answered counts
const CHECK = health['Check'] as unknown as Method<'unary', any, any, any, any>;

interface Measured {
  readonly roundTripMs: number;
  readonly isSure: boolean;
}

interface Distance extends Measured {
  readonly measuredAtMs: number;
}

/** How far the agents are that this process dials: measured when somebody asks, remembered for a while. */
export class Distances {
  readonly #known = new Map<string, Distance>();
  readonly #nowMs: () => number;

  /** @param nowMs milliseconds of a clock that is never set */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * The round trip to who is at the address, in milliseconds: the kernels' own or, where a proxy is between, that of a
   * call which does no work, on a connection that carries nothing else. Rejects as a call there would.
   */
  async to(settings: ChannelSettings, signal: AbortSignal): Promise<number> {
    this.#forgetOld();
    const known = this.#known.get(settings.address);
    if (known !== undefined) return known.roundTripMs;
    const measured = await measure(settings, signal);
    this.#known.set(settings.address, { ...measured, measuredAtMs: this.#nowMs() });
    return measured.roundTripMs;
  }

  #forgetOld(): void {
    for (const [address, { isSure, measuredAtMs }] of this.#known) {
      const rememberedMs = isSure ? REMEMBERED_MS : REMEMBERED_WHEN_UNSURE_MS;
      if (this.#nowMs() - measuredAtMs >= rememberedMs) this.#known.delete(address);
    }
  }
}

/** What is wanted of the way to a peer, and how far it is. */
export interface Link extends LinkWishes {
  readonly distances: Distances;
}

/** The settings of each of so many channels to a peer. Without a link: of one, as they are. */
export async function planned<Settings extends BulkChannelSettings & { readonly link?: Link }>(
  settings: Settings,
  signal: AbortSignal,
): Promise<Settings & { readonly connections: number }> {
  const { link } = settings;
  if (link === undefined) return { ...settings, connections: 1 };
  return { ...settings, ...planLink(link, await link.distances.to(settings, signal)) };
}

async function measure(settings: ChannelSettings, signal: AbortSignal): Promise<Measured> {
  let kernelsMs: number | undefined;
  await using channel = separateChannel({
    ...settings,
    // Kernels greet one another, however busy the processes are: it is known as soon as the connection is made.
    onSocket: (socket) => {
      const fd = fdOf(socket);
      kernelsMs = fd === undefined ? undefined : linux()?.roundTripMs(fd);
    },
  });
  const ask = async () => {
    const fromMs = performance.now();
    await callUnary(channel, CHECK, {}, { signal });
    return performance.now() - fromMs;
  };
  // The first one makes the connection, in three round trips.
  await ask();
  const beganMs = performance.now();
  const passedMs = () => performance.now() - beganMs;
  let leastMs = await ask();
  for (let count = 1; count < CALLS && passedMs() < ENOUGH_MS; count++) {
    leastMs = Math.min(leastMs, await ask());
  }
  const isProxied = () => kernelsMs !== undefined && leastMs - kernelsMs >= PROXY_FROM_MS;
  while (isProxied() && passedMs() < UNSURE_FOR_MS) {
    await sleep(BETWEEN_CALLS_MS);
    leastMs = Math.min(leastMs, await ask());
  }
  if (isProxied()) return { roundTripMs: leastMs, isSure: false };
  // The kernels' is that of one packet, which may have waited behind others.
  return { roundTripMs: Math.min(kernelsMs ?? leastMs, leastMs), isSure: true };
}
