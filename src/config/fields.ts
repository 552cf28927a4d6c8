import { z } from 'zod';
import { STORE_ID } from '../domain/ids.ts';
import { LOG_LEVELS, type LogLevel } from '../telemetry/log.ts';
import { type Address, formatAddress, isLoopback, parseAddress } from './address.ts';

/** Pieces of schemas that hub and agent share. */

export function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
}

export const text = z.string().min(1);

export const storeId = text.regex(STORE_ID, 'must be lower-case letters, digits and dashes, at most 63');

/** Someone to call: `host:port`. */
export const peerAddress = z.string().superRefine((given, context) => {
  if ((parseAddress(given)?.port ?? 0) === 0) context.addIssue(notAnAddress(given, 1));
});

/** Somewhere to listen. Port 0 takes one that is free. */
export const listenAddress = z.string().transform((given, context): Address => {
  const address = parseAddress(given);
  if (address !== undefined) return address;
  context.addIssue(notAnAddress(given, 0));
  return z.NEVER;
});

function notAnAddress(given: string, firstPort: number): string {
  return `must be host:port with a port from ${firstPort} to 65535, as 127.0.0.1:7440 or [::1]:7440, is '${given}'`;
}

/** What the HTTP server may answer to whoever asks. */
export const OPEN_PAGES = ['health', 'metrics'] as const;
export type OpenPage = (typeof OPEN_PAGES)[number];

export interface HttpConfig {
  readonly tls: boolean;
  /** Answered without an identity; everything else needs one. */
  readonly open: readonly OpenPage[];
}

export const http = z
  .strictObject({ tls: z.boolean().optional(), open: z.array(z.enum(OPEN_PAGES)).optional() })
  .optional();

/** For `superRefine` of a whole configuration: what is said in the open can be read on the way. */
export function requireTlsBeyondLoopback(
  parsed: {
    readonly listen?: { readonly http?: Address | undefined } | undefined;
    readonly http?: z.output<typeof http>;
  },
  context: z.RefinementCtx,
): void {
  const address = parsed.listen?.http;
  if (parsed.http?.tls !== false || address === undefined || isLoopback(address)) return;
  context.addIssue({
    code: 'custom',
    path: ['http', 'tls'],
    message: `must be true while listen.http is ${formatAddress(address)}, where others can reach it: leave it out, or listen on 127.0.0.1`,
  });
}

/** On the loopback plain HTTP, with health and metrics for whoever asks; elsewhere TLS, and nothing without an identity. */
export function decideHttp(parsed: z.output<typeof http>, address: Address): HttpConfig {
  const isLocal = isLoopback(address);
  return { tls: parsed?.tls ?? !isLocal, open: parsed?.open ?? (isLocal ? [...OPEN_PAGES] : []) };
}

/** `info`: one line a call and a change of state; `debug` tells every step. */
const DEFAULT_LOG_LEVEL: LogLevel = 'info';

export const log = z.strictObject({ level: z.enum(LOG_LEVELS).optional() }).optional();

export interface LogConfig {
  readonly level: LogLevel;
}

export function decideLog(parsed: z.output<typeof log>): LogConfig {
  return { level: parsed?.level ?? DEFAULT_LOG_LEVEL };
}

/** Nothing below can be changed after it was decided. */
export function deepFreeze<Value extends object>(value: Value): Value {
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) deepFreeze(member);
  }
  return Object.freeze(value);
}
