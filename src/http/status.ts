import type { RefusalCode } from '../domain/refusal.ts';

/** Refusal -> HTTP status, here and nowhere else. */
export const HTTP_STATUS: Readonly<Record<RefusalCode, number>> = {
  INVALID: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  CONFLICT: 409,
  IN_USE: 409,
  RATE_LIMITED: 429,
  // The caller has left: nobody reads this one.
  CANCELLED: 499,
  INTERNAL: 500,
  CORRUPT: 500,
  UNSUPPORTED: 501,
  UNAVAILABLE: 503,
  TIMEOUT: 504,
  NO_SPACE: 507,
};
