import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 50;

/** Waits until `look` returns something but undefined and false; throws, saying `what`, when it takes too long. */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await delay(POLL_MS);
  }
}
