import type { Refusal } from '../domain/refusal.ts';
import { unlessAborted } from '../transfer/in-flight.ts';

/** The promise's value, if it comes in time and before `signal` aborts. `tooLate` makes the error. */
export async function within<T>(
  promise: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal,
  tooLate: () => Refusal,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(tooLate()), timeoutMs);
  try {
    return await unlessAborted(Promise.race([promise, late.promise]), signal);
  } finally {
    clearTimeout(timer);
  }
}
