import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { Refusal } from '../domain/refusal.ts';
import { type Caller, callerSubject, NOBODY, type Right, requireRight } from '../domain/rules/rights.ts';
import type { Log } from '../telemetry/log.ts';
import { isRequestId, newRequestId } from '../telemetry/request-context.ts';
import type { RpcMetrics } from '../telemetry/rpc-metrics.ts';
import type { Authenticate } from '../trust/caller.ts';
import { networkOf, type Rate, RateLimit } from '../trust/rate-limit.ts';
import { bearerIn, requireGood } from '../trust/tls.ts';
import { Admission } from './admission.ts';
import { AdmittedCall, type AnyServerMethod, type Pass } from './admitted-call.ts';
import type { Connection } from './connection.ts';
import type { Connections } from './connections.ts';
import { AUTHORIZATION_KEY, REQUEST_ID_KEY, type ServerLimits } from './limits.ts';
import { grpcCodeName, statusOf } from './status.ts';

/** A call that ended UNAUTHENTICATED, FORBIDDEN or RATE_LIMITED, before its handler or in it. */
export interface RefusedCall {
  readonly caller: Caller;
  /** Address and port. */
  readonly peer: string;
  /** `/entrepot.v1.Images/Copy` */
  readonly method: string;
  readonly requestId: string;
  readonly refusal: Refusal;
}

export interface GateSettings {
  readonly authenticate: Authenticate;
  readonly limits: ServerLimits;
  readonly connections: Connections;
  readonly log: Log;
  readonly metrics: RpcMetrics;
  readonly onRefused: (refused: RefusedCall) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Told of one caller's refused calls: a flood of them fills neither the log nor the catalogue. */
const REPORT_RATE: Rate = { perSecond: 1, burst: 20 };

/** Where every call to a server comes through, whichever method it is for: who calls, may it, is it too much. */
export class Gate {
  readonly #settings: GateSettings;
  readonly #rights = new Map<string, Right>();
  readonly #admission: Admission;
  readonly #reports = new RateLimit();
  readonly #calls = new Set<AdmittedCall>();
  /** How a handler finds its call: grpc-js hands on the same metadata. */
  readonly #byMetadata = new WeakMap<Metadata, AdmittedCall>();

  constructor(settings: GateSettings) {
    this.#settings = settings;
    this.#admission = new Admission(settings.limits);
  }

  /** Calls under way. */
  get size(): number {
    return this.#calls.size;
  }

  /** All methods there are, with what each asks of its caller. */
  methods(): readonly { readonly path: string; readonly right: Right }[] {
    return [...this.#rights].map(([path, right]) => ({ path, right }));
  }

  /** What a method asks. One without a right is refused to everybody. */
  require(path: string, right: Right): void {
    this.#rights.set(path, right);
  }

  readonly intercept: ServerInterceptor = (method: AnyServerMethod, next) => {
    const opening = this.#settings.connections.opening(next.getPeer());
    if (opening === undefined) return gone(next);
    const call: AdmittedCall = new AdmittedCall(next, {
      opening,
      method,
      limits: this.#settings.limits,
      admit: (metadata) => {
        const pass = this.#admit(method, metadata, opening.connection);
        this.#calls.add(call);
        this.#byMetadata.set(metadata, call);
        return pass;
      },
      onOver: () => this.#calls.delete(call),
    });
    return call;
  };

  /** The call a handler serves. */
  callOf(metadata: Metadata): AdmittedCall {
    const call = this.#byMetadata.get(metadata);
    if (call === undefined) throw new Error('a call came past the gate');
    return call;
  }

  /** Ends the calls under way of those who match. How many there were. */
  end(match: (caller: Caller) => boolean, reason: Refusal): number {
    const matching = [...this.#calls].filter(({ pass }) => match(pass.caller));
    for (const call of matching) call.end(reason);
    return matching.length;
  }

  sweep(nowMs: number): void {
    for (const call of this.#calls) call.sweep(nowMs);
  }

  /** Counts a refused call and tells of it, if it is one of those that were refused for who called. False when it was not told. */
  report(refused: RefusedCall): boolean {
    const { code } = refused.refusal;
    if (code !== 'UNAUTHENTICATED' && code !== 'FORBIDDEN' && code !== 'RATE_LIMITED') return true;
    this.#settings.metrics.requestRefused(refused.method, code);
    if (!this.#reports.take(reportKey(refused), REPORT_RATE)) return false;
    try {
      this.#settings.onRefused(refused);
    } catch (error) {
      // The caller gets its answer all the same, and the hub goes on: a disk may be full.
      const { method, peer, requestId } = refused;
      this.#settings.log.error(
        { method, peer, requestId, err: error },
        'a refused call could not be recorded',
      );
    }
    return true;
  }

  #admit(method: AnyServerMethod, metadata: Metadata, connection: Connection): Pass {
    const requestId = requestIdOf(metadata);
    let caller = NOBODY;
    try {
      caller = this.#identify(metadata, connection);
      this.#admission.begin(caller, connection.network);
      this.#requireRight(caller, method.path);
      const place = this.#admission.enter(caller, connection.network, method.requestStream);
      if (caller.kind !== 'nobody') connection.know();
      return { caller, requestId, place };
    } catch (error) {
      const refusal = Refusal.from(error);
      this.#refuse({ caller, peer: connection.peer, method: method.path, requestId, refusal });
      throw refusal;
    }
  }

  #identify(metadata: Metadata, connection: Connection): Caller {
    const { authenticate, now } = this.#settings;
    try {
      const header = metadata.get(AUTHORIZATION_KEY)[0]?.toString();
      // Handlers have no use for it, and what they do not see they cannot tell.
      metadata.remove(AUTHORIZATION_KEY);
      const certificate = requireGood(connection.shown, now());
      return authenticate({ certificate, bearer: bearerIn(header), peer: connection.peer });
    } catch (error) {
      // Who shows something wrong is counted as who shows nothing: it must not be cheaper.
      this.#admission.begin(NOBODY, connection.network);
      throw error;
    }
  }

  #requireRight(caller: Caller, path: string): void {
    const right = this.#rights.get(path);
    if (right === undefined) throw new Refusal('FORBIDDEN', `${path} is open to nobody`);
    requireRight(caller, right, path.slice(path.lastIndexOf('.') + 1).replace('/', '.'));
  }

  #refuse(refused: RefusedCall): void {
    if (!this.report(refused)) return;
    const { caller, peer, method, requestId, refusal } = refused;
    const fields = { method, peer, requestId, caller: callerSubject(caller) };
    const codes = { grpcCode: grpcCodeName(refusal), code: refusal.code };
    const sentence = `${method.slice(method.lastIndexOf('/') + 1)} refused: ${refusal.message}`;
    const { log } = this.#settings;
    if (refusal.code === 'INTERNAL')
      log.error({ ...fields, ...codes, err: refusal.cause ?? refusal }, sentence);
    else log.info({ ...fields, ...codes }, sentence);
  }
}

/** By identity, and by network where there is none. */
function reportKey({ caller, peer }: RefusedCall): string {
  return caller.kind === 'nobody' ? networkOf(peer.slice(0, peer.lastIndexOf(':'))) : callerSubject(caller);
}

/** A call whose connection went before it began. It is not answered by the handler of anything. */
function gone(next: ServerInterceptingCallInterface): ServerInterceptingCall {
  const refusal = new Refusal('UNAVAILABLE', 'the connection of the call is gone');
  return new ServerInterceptingCall(next, { start: () => next.sendStatus(statusOf(refusal)) });
}

function requestIdOf(metadata: Metadata): string {
  const given = metadata.get(REQUEST_ID_KEY)[0];
  return typeof given === 'string' && isRequestId(given) ? given : newRequestId();
}
