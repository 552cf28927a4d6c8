import type { Caller } from '../domain/rules/rights.ts';
import type { Certificate } from './certificate.ts';

/** What somebody showed of who they are. Nothing in it is believed that TLS has not proved. */
export interface Presented {
  /** The certificate of the connection: signed by one of our authorities, and not expired. */
  readonly certificate: Certificate | undefined;
  /** `authorization: Bearer ...` of the call. */
  readonly bearer: string | undefined;
  /** Address and port. */
  readonly peer: string;
}

/**
 * Who it is. Asked for every call, before its first message is read, so it must be quick. Throws
 * UNAUTHENTICATED when what was shown is not good (any more); nothing shown is `nobody`.
 */
export type Authenticate = (presented: Presented) => Caller;
