import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { isRefusalCode, Refusal, type RefusalCode, type RuleNumber } from '../domain/refusal.ts';
import { tlsRefusal } from './tls-failure.ts';

/** Refusal <-> gRPC status, both ways and nowhere else. The code, hint and rule travel in trailing metadata. */
const CODE_KEY = 'entrepot-code';
const HINT_KEY = 'entrepot-hint';
const RULE_KEY = 'entrepot-rule';

const RULE = /^R([1-9]|1[0-3])$/;

/**
 * Characters of a message or hint that go over the wire. All headers of an answer share
 * 64 KiB, each character may take 9 bytes there, and beyond that the whole answer is lost.
 */
const TEXT_LIMIT = 3000;

const GRPC_STATUS: Readonly<Record<RefusalCode, status>> = {
  INVALID: status.INVALID_ARGUMENT,
  NOT_FOUND: status.NOT_FOUND,
  ALREADY_EXISTS: status.ALREADY_EXISTS,
  CONFLICT: status.FAILED_PRECONDITION,
  IN_USE: status.FAILED_PRECONDITION,
  FORBIDDEN: status.PERMISSION_DENIED,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  UNAVAILABLE: status.UNAVAILABLE,
  TIMEOUT: status.DEADLINE_EXCEEDED,
  NO_SPACE: status.RESOURCE_EXHAUSTED,
  RATE_LIMITED: status.RESOURCE_EXHAUSTED,
  CORRUPT: status.DATA_LOSS,
  CANCELLED: status.CANCELLED,
  UNSUPPORTED: status.UNIMPLEMENTED,
  INTERNAL: status.INTERNAL,
};

/** What a status without our metadata means: it comes from grpc-js or from someone in between. */
const REFUSAL_CODE: Readonly<Partial<Record<status, RefusalCode>>> = {
  [status.CANCELLED]: 'CANCELLED',
  [status.INVALID_ARGUMENT]: 'INVALID',
  [status.DEADLINE_EXCEEDED]: 'TIMEOUT',
  [status.NOT_FOUND]: 'NOT_FOUND',
  [status.ALREADY_EXISTS]: 'ALREADY_EXISTS',
  [status.PERMISSION_DENIED]: 'FORBIDDEN',
  // grpc-js says so of a message above the limit; a full pool or a limit on callers comes with our metadata.
  [status.RESOURCE_EXHAUSTED]: 'INVALID',
  [status.FAILED_PRECONDITION]: 'CONFLICT',
  [status.ABORTED]: 'CONFLICT',
  [status.OUT_OF_RANGE]: 'INVALID',
  [status.UNIMPLEMENTED]: 'UNSUPPORTED',
  [status.UNAVAILABLE]: 'UNAVAILABLE',
  [status.DATA_LOSS]: 'CORRUPT',
  [status.UNAUTHENTICATED]: 'UNAUTHENTICATED',
};

/** What grpc-js says when the server's HTTP/2 refuses a stream: too much of it is in memory, or in its headers. */
const TOO_MUCH = /^Bandwidth exhausted/;

/** What grpc-js says of a call cancelled from here; in any other case the peer, or what is between, reset it. */
const CANCELLED_HERE = 'Cancelled on client';

export interface RefusalStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

export function statusOf({ code, message, hint, rule }: Refusal): RefusalStatus {
  const metadata = new Metadata();
  metadata.set(CODE_KEY, code);
  if (hint !== undefined) metadata.set(HINT_KEY, encodeText(shorten(hint)));
  if (rule !== undefined) metadata.set(RULE_KEY, rule);
  return { code: GRPC_STATUS[code], details: shorten(message), metadata };
}

/** The code as Go and the grpc_server_* series spell it: OK, NotFound, Canceled ... */
export function grpcCodeName(refusal: Refusal | undefined): string {
  if (refusal === undefined) return 'OK';
  if (refusal.code === 'CANCELLED') return 'Canceled';
  const words = status[GRPC_STATUS[refusal.code]].toLowerCase().split('_');
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

/**
 * What a call ended with, as the caller sees it.
 * @param peer who was called, for the sentence: `hub at 127.0.0.1:7440`
 * @param timeoutMs how long the caller was ready to wait
 */
export function refusalOf(error: unknown, peer: string, timeoutMs?: number): Refusal {
  if (!isServiceError(error)) return Refusal.from(error);
  const code = textOf(error.metadata, CODE_KEY);
  if (code === undefined || !isRefusalCode(code)) return plainRefusal(error, peer, timeoutMs);
  const rule = textOf(error.metadata, RULE_KEY);
  const hint = textOf(error.metadata, HINT_KEY);
  return new Refusal(code, error.details, {
    hint: hint === undefined ? undefined : decodeText(hint),
    rule: rule !== undefined && RULE.test(rule) ? (rule as RuleNumber) : undefined,
    cause: error,
  });
}

/** Why a signal was aborted. */
export function abortRefusal(signal: AbortSignal): Refusal {
  const reason: unknown = signal.reason;
  if (reason instanceof Error && reason.name === 'TimeoutError') {
    return new Refusal('TIMEOUT', 'did not end in time', { cause: reason });
  }
  const refusal = Refusal.from(reason);
  return refusal.code === 'INTERNAL' && !(reason instanceof Error)
    ? new Refusal('CANCELLED', 'cancelled', { cause: reason })
    : refusal;
}

function plainRefusal(error: ServiceError, peer: string, timeoutMs: number | undefined): Refusal {
  const code = REFUSAL_CODE[error.code] ?? 'INTERNAL';
  const details = { cause: error };
  if (error.code === status.RESOURCE_EXHAUSTED && TOO_MUCH.test(error.details)) {
    return new Refusal('RATE_LIMITED', `${peer} does not take more of this connection for now`, details);
  }
  switch (code) {
    case 'UNAVAILABLE':
      return unavailable(error, peer);
    case 'TIMEOUT':
      return new Refusal(code, `${peer} did not answer ${withinMs(timeoutMs)}`, details);
    case 'CANCELLED':
      return error.details === CANCELLED_HERE
        ? new Refusal(code, 'cancelled', details)
        : new Refusal('UNAVAILABLE', `${peer} broke off the call`, details);
    case 'UNSUPPORTED':
      return new Refusal(code, `${peer} does not know this call: ${error.details}`, {
        ...details,
        hint: 'both sides should run the same version of entrepot',
      });
    default:
      return new Refusal(code, `${peer} answered: ${error.details}`, details);
  }
}

/** What the system says of a connection, in words. */
const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name cannot be resolved now',
};

function unavailable(error: ServiceError, peer: string): Refusal {
  const refusal = tlsRefusal(error.details, peer, error);
  if (refusal !== undefined) return refusal;
  const systemError = /\b(E[A-Z_]{4,})\b/.exec(error.details)?.[1];
  const known = systemError === undefined ? undefined : SYSTEM_ERRORS[systemError];
  if (known !== undefined) {
    return new Refusal('UNAVAILABLE', `cannot reach ${peer}: ${known}`, {
      hint: 'is it running, and is the address right?',
      cause: error,
    });
  }
  if (error.details.startsWith('Name resolution failed')) {
    return new Refusal('UNAVAILABLE', `cannot reach ${peer}: host name cannot be resolved`, { cause: error });
  }
  if (error.details === 'Connection dropped' || systemError === 'ECONNRESET' || systemError === 'EPIPE') {
    return new Refusal('UNAVAILABLE', `lost the connection to ${peer}`, { cause: error });
  }
  if (error.details.includes('disconnected before secure TLS connection')) {
    return new Refusal('UNAVAILABLE', `${peer} closed the connection before TLS was through`, {
      hint: 'it may have too many connections for now, or be stopping',
      cause: error,
    });
  }
  return new Refusal('UNAVAILABLE', `cannot reach ${peer}: ${error.details}`, { cause: error });
}

function withinMs(timeoutMs: number | undefined): string {
  return timeoutMs === undefined ? 'in time' : `within ${timeoutMs} ms`;
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

function textOf(metadata: Metadata | undefined, key: string): string | undefined {
  const value = metadata?.get(key)[0];
  return typeof value === 'string' ? value : undefined;
}

function shorten(text: string): string {
  const whole = text.toWellFormed();
  return whole.length <= TEXT_LIMIT ? whole : `${whole.slice(0, TEXT_LIMIT).toWellFormed()}...`;
}

/** Headers carry printable ASCII, without blanks at the ends: everything else, and %, as in a URL. */
function encodeText(text: string): string {
  return text.replaceAll(/^ | $|[^\x20-\x24\x26-\x7e]/gu, (character) => encodeURIComponent(character));
}

function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
