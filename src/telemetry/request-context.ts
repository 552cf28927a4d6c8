import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

/** What a piece of work is about. On every log line written while it runs, whoever writes it. */
export interface ContextFields {
  readonly requestId?: string | undefined;
  readonly jobId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly imageId?: string | undefined;
  readonly storeId?: string | undefined;
  /** Who asked for it, as in events: `operator/alice`, `store/dcn0`, `hub`, `nobody`. */
  readonly caller?: string | undefined;
  /** From where: address and port. */
  readonly peer?: string | undefined;
}

const storage = new AsyncLocalStorage<ContextFields>();
const NOTHING: ContextFields = Object.freeze({});
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** The fields of the work that is running; empty outside of any. */
export function currentFields(): ContextFields {
  return storage.getStore() ?? NOTHING;
}

/** Runs `work` with these fields on top of the current ones. A field that is undefined leaves the current one. */
export function withFields<T>(fields: ContextFields, work: () => T): T {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return storage.run(Object.freeze({ ...currentFields(), ...Object.fromEntries(given) }), work);
}

/** Whether an id that came from outside may go into logs and on to others. */
export function isRequestId(text: string): boolean {
  return REQUEST_ID.test(text);
}

export function newRequestId(): string {
  return randomUUID();
}
