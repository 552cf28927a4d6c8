/**
 * What can go wrong, as a caller sees it. Every part throws `Refusal`; one place
 * each maps the code to a gRPC status (src/rpc/status.ts), an HTTP status
 * (src/http) and an exit code (src/cli/exit-codes.ts).
 */
export const REFUSAL_CODES = [
  /** The request makes no sense, whatever the state of the world. */
  'INVALID',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  /** The request makes sense, but not in this state. */
  'CONFLICT',
  /** Something still uses it: clones, edge copies, a job. */
  'IN_USE',
  'FORBIDDEN',
  'UNAUTHENTICATED',
  /** The other side does not answer; it may later. */
  'UNAVAILABLE',
  'TIMEOUT',
  /** The caller asks too much at once; later it may be served. */
  'RATE_LIMITED',
  /** The pool or disk is full. */
  'NO_SPACE',
  /** Bytes are not what their digest says. */
  'CORRUPT',
  'CANCELLED',
  'UNSUPPORTED',
  /** A fault of ours. */
  'INTERNAL',
] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

export type RuleNumber = `R${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13}`;

export interface RefusalDetails {
  /** What to do about it: a sentence, or a command to run. */
  readonly hint?: string | undefined;
  /** The rule of DESIGN.md that refused. */
  readonly rule?: RuleNumber | undefined;
  /** The store it is about, where who asked does not tell: for the event. */
  readonly storeId?: string | undefined;
  readonly cause?: unknown;
}

/** An outcome that a caller handles or a person reads: a code, a sentence, and what to do. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  readonly hint: string | undefined;
  readonly rule: RuleNumber | undefined;
  readonly storeId: string | undefined;

  constructor(code: RefusalCode, message: string, details: RefusalDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.rule = details.rule;
    this.storeId = details.storeId;
  }

  /** Turns whatever was thrown into a Refusal: unknown errors are faults of ours. */
  static from(error: unknown): Refusal {
    if (error instanceof Refusal) return error;
    if (error instanceof Error && error.name === 'AbortError') {
      return error.cause instanceof Refusal
        ? error.cause
        : new Refusal('CANCELLED', 'cancelled', { cause: error });
    }
    const message = error instanceof Error ? error.message : String(error);
    return new Refusal('INTERNAL', message, { cause: error });
  }
}

export function isRefusalCode(text: string): text is RefusalCode {
  return (REFUSAL_CODES as readonly string[]).includes(text);
}
