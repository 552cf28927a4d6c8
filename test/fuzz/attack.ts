import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { Dice } from './dice.ts';

/** Where to throw. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** What we show and believe, where the port speaks TLS. Without a certificate when there is no key. */
  readonly tls?:
    | { readonly caPem: string; readonly chainPem?: string; readonly privateKeyPem?: string }
    | undefined;
  /** The address to come from; the system's choice when left out. On the loopback any of 127.0.0.0/8 will do. */
  readonly from?: string | undefined;
  /** A method the server has, for attacks that are to reach one: `/entrepot.v1.Images/List`. */
  readonly path?: string;
}

/** What an attack does next: sends bytes, waits, or closes our half of the connection. */
export type Step = Buffer | { readonly pauseMs: number } | 'end';

export interface Attack {
  readonly name: string;
  /** `tcp`: below TLS, where the port speaks it. `above`: inside of it. */
  readonly layer: 'tcp' | 'above';
  /** What is spoken, for ALPN. */
  readonly protocol?: 'h2' | 'http/1.1';
  /** False: what the server sends is left lying. */
  readonly reads?: boolean;
  /** At once, each with bytes of its own. One when left out. */
  readonly connections?: number;
  /** Ends when all has been said; the connection is then held until the server closes it. */
  steps(dice: Dice, target: Target): Iterable<Step>;
}

export interface Outcome {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** `server`: it had closed every connection before our time was over. */
  readonly closedBy: 'server' | 'fuzzer';
}

export interface ThrowOptions {
  readonly seed: number;
  /** After which connections that are still open are closed from here. */
  readonly limitMs: number;
}

/** How long a cut connection may take to be gone. */
const CLOSE_MS = 1000;

/** Carries an attack out. Never throws: a server that refuses, resets or is not there is an outcome. */
export async function throwAt(
  target: Target,
  attack: Attack,
  { seed, limitMs }: ThrowOptions,
): Promise<Outcome> {
  const deadlineMs = performance.now() + limitMs;
  const outcomes = await Promise.all(
    Array.from({ length: attack.connections ?? 1 }, (_, index) =>
      throwOne(target, attack, new Dice(seed + index), deadlineMs),
    ),
  );
  const sum = (pick: (one: Outcome) => number) => outcomes.reduce((total, one) => total + pick(one), 0);
  return {
    sentBytes: sum((one) => one.sentBytes),
    receivedBytes: sum((one) => one.receivedBytes),
    closedBy: outcomes.every((one) => one.closedBy === 'server') ? 'server' : 'fuzzer',
  };
}

async function throwOne(target: Target, attack: Attack, dice: Dice, deadlineMs: number): Promise<Outcome> {
  const { socket, ready } = dial(target, attack);
  const closed = new Promise<'server'>((resolve) => socket.once('close', () => resolve('server')));
  const outOfTime = new AbortController();
  const late = delay(Math.max(0, deadlineMs - performance.now()), 'fuzzer' as const, {
    signal: outOfTime.signal,
  }).catch(() => 'fuzzer' as const);
  const over = Promise.race([closed, late]);
  let receivedBytes = 0;
  if (attack.reads === false) socket.pause();
  else socket.on('data', (bytes: Buffer) => (receivedBytes += bytes.length));
  await Promise.race([over, new Promise((resolve) => socket.once(ready, resolve))]);
  const sentBytes = await send(socket, attack.steps(dice, target), over, deadlineMs);
  const closedBy = await over;
  outOfTime.abort();
  socket.destroy();
  await Promise.race([closed, delay(CLOSE_MS, undefined, { ref: false })]);
  return { sentBytes, receivedBytes, closedBy };
}

/** Says the steps until they, the connection or the time are over; the bytes that were handed to the connection. */
async function send(
  socket: Socket,
  steps: Iterable<Step>,
  over: Promise<unknown>,
  deadlineMs: number,
): Promise<number> {
  let sentBytes = 0;
  let drained = Promise.withResolvers<void>();
  socket.on('drain', () => drained.resolve());
  for (const step of steps) {
    if (!socket.writable || performance.now() > deadlineMs) break;
    if (step === 'end') socket.end();
    else if (!Buffer.isBuffer(step)) await Promise.race([over, delay(step.pauseMs)]);
    else {
      sentBytes += step.length;
      drained = Promise.withResolvers();
      if (!socket.write(step)) await Promise.race([over, drained.promise]);
    }
  }
  return sentBytes;
}

function dial(
  { host, port, tls, from }: Target,
  { layer, protocol }: Attack,
): { readonly socket: Socket; readonly ready: 'connect' | 'secureConnect' } {
  const isPlain = layer === 'tcp' || tls === undefined;
  const address = { host, port, ...(from !== undefined && { localAddress: from }) };
  const socket = isPlain
    ? connectTcp(address)
    : connectTls({
        ...address,
        ca: tls.caPem,
        ...(tls.chainPem !== undefined && { cert: tls.chainPem }),
        ...(tls.privateKeyPem !== undefined && { key: tls.privateKeyPem }),
        ...(protocol !== undefined && { ALPNProtocols: [protocol] }),
        // Who it is does not matter to whoever throws things.
        rejectUnauthorized: false,
      });
  socket.setNoDelay(true);
  // Whatever goes wrong ends in 'close'.
  socket.on('error', () => undefined);
  return { socket, ready: isPlain ? 'connect' : 'secureConnect' };
}
