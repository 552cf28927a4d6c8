import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { Refusal, type RefusalCode } from '../../domain/refusal.ts';

const { errno } = constants;
/** What OSDs answer to a client they were told to shut out; Linux calls it ESHUTDOWN. */
const EBLOCKLISTED = 108;

export const ENOENT = errno.ENOENT;
export const ERANGE = errno.ERANGE;
export const EBUSY = errno.EBUSY;
export const EINVAL = errno.EINVAL;
export const EEXIST = errno.EEXIST;
export const ENOSPC = errno.ENOSPC;
export const EDQUOT = errno.EDQUOT;
export const EXDEV = errno.EXDEV;
export const EPERM = errno.EPERM;
export const EACCES = errno.EACCES;

/** Whom the sentences are about. */
export interface Site {
  readonly confPath: string;
  readonly clientId: string;
  readonly pool: string;
  readonly timeoutMs: number;
}

interface Meaning {
  readonly code: RefusalCode;
  readonly reason: string;
  readonly hint?: string;
}

/** Turns the negative return codes of librados and librbd into Refusals with sentences. */
export class Errors {
  readonly #site: Site;
  readonly #readPools: readonly string[];

  /** `readPools`: further pools that the client has to be allowed to read for what it does. */
  constructor(site: Site, readPools: readonly string[] = []) {
    this.#site = site;
    this.#readPools = readPools;
  }

  /** For work that reads from other pools too: the hint on rights names them. */
  reading(...pools: readonly string[]): Errors {
    const others = pools.filter((pool) => pool !== this.#site.pool);
    return new Errors(this.#site, [...new Set([...this.#readPools, ...others])]);
  }

  /** The code itself when it is not negative (0 or a length); throws `cannot ${action}: ...` otherwise. */
  check(code: number, action: string): number {
    if (code < 0) throw this.refusal(code, action);
    return code;
  }

  refusal(code: number, action: string): Refusal {
    const { code: refusalCode, reason, hint } = this.#meaning(Math.abs(code));
    return new Refusal(refusalCode, `cannot ${action}: ${reason}`, { hint });
  }

  #meaning(number: number): Meaning {
    const { pool, clientId, timeoutMs, confPath } = this.#site;
    switch (number) {
      case errno.EPERM:
      case errno.EACCES:
        return {
          code: 'INVALID',
          reason: `client.${clientId} lacks the rights for it`,
          hint: `ceph auth caps client.${clientId} mon 'profile rbd' osd '${osdCaps(pool, this.#readPools)}'`,
        };
      case errno.ENOENT:
        return { code: 'NOT_FOUND', reason: 'it does not exist' };
      case errno.EEXIST:
        return { code: 'ALREADY_EXISTS', reason: 'it exists already' };
      case errno.EBUSY:
      case errno.ENOTEMPTY:
      case errno.EROFS:
        return {
          code: 'IN_USE',
          reason: `something else uses it (${nameOf(number)})`,
          hint: `rbd status and rbd snap ls (pool ${pool}) show by whom`,
        };
      case errno.ENOSPC:
      case errno.EDQUOT:
        return {
          code: 'NO_SPACE',
          reason: `pool '${pool}' is full`,
          hint: `make space, or raise the quota: ceph df; ceph osd pool get-quota ${pool}`,
        };
      case errno.ETIMEDOUT:
      case errno.ENOTCONN:
      case errno.EHOSTUNREACH:
      case errno.ENETUNREACH:
      case errno.ECONNREFUSED:
      case errno.ECONNRESET:
        return {
          code: 'UNAVAILABLE',
          reason: `the cluster of ${confPath} did not answer within ${timeoutMs / 1000} s`,
          hint: `ceph -c ${confPath} --id ${clientId} -s`,
        };
      case EBLOCKLISTED:
        return {
          code: 'UNAVAILABLE',
          reason: 'the cluster has shut this process out (blocklisted)',
          hint: 'another agent has taken this store over: run one agent per store, and start this one again',
        };
      default:
        return { code: 'INTERNAL', reason: `librbd says ${nameOf(number)} (${number})` };
    }
  }
}

/** What a client needs that writes one pool and reads some: it replaces what the client has. */
function osdCaps(pool: string, readPools: readonly string[]): string {
  const reads = readPools.map((read) => `profile rbd-read-only pool=${read}`);
  return [`profile rbd pool=${pool}`, ...reads].join(', ');
}

function nameOf(number: number): string {
  try {
    return getSystemErrorName(-number);
  } catch {
    return 'an unknown error';
  }
}
