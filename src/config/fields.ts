import { z } from 'zod';
import { LOG_LEVELS, type LogLevel } from '../telemetry/log.ts';
import { type Address, isLoopback, parseAddress } from './address.ts';

/** Pieces of schemas that hub and agent share. */

export function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
}

export const text = z.string().min(1);

const STORE_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
export const storeId = text.regex(STORE_ID, 'must be lower-case letters, digits and dashes, at most 63');

/** Someone to call: `host:port`. */
export const peerAddress = z.string().superRefine((given, context) => {
  if ((parseAddress(given)?.port ?? 0) === 0) context.addIssue(notAnAddress(given, 1));
});

/** Somewhere to listen. Port 0 takes one that is free. */
export const listenAddress = z.string().transform((given, context): Address => {
  const address = parseAddress(given);
  if (address !== undefined && isLoopback(address)) return address;
  context.addIssue(
    address === undefined
      ? notAnAddress(given, 0)
      : `must be on the loopback (127.0.0.1, ::1 or localhost), is '${given}': connections are not encrypted yet, so nothing may listen where others can reach it`,
  );
  return z.NEVER;
});

function notAnAddress(given: string, firstPort: number): string {
  return `must be host:port with a port from ${firstPort} to 65535, as 127.0.0.1:7440 or [::1]:7440, is '${given}'`;
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
